//! Unit tests of a user's workflow: no engine, no store. A workflow is an async function; a mock stands in for its context.
use std::sync::Arc;

use durable::{
    Ctx, Error, MockContext, MockHandle, ReadyHandle, Result, Value,
    postgres::PgTransaction,
    store::{WorkflowFilter, WorkflowPage},
};
use futures::FutureExt as _;

/// What a user wrote.
async fn checkout(ctx: Ctx, item: String) -> Result<String> {
    let price = durable::run_as_step(&ctx, || look_up_price(&item))
        .named("price")
        .await?;
    let earlier = durable::list_workflows(&ctx, WorkflowFilter::new().name("checkout")).await?;
    let shipment = durable::run_workflow(&ctx, ship, item.clone()).await?;
    let label = shipment.get_result().await?;
    let number = earlier.workflows.len() + 1;
    Ok(format!("order {number}: {price} cents, {label}"))
}

async fn look_up_price(item: &str) -> Result<u64> {
    Ok(100 * item.len() as u64)
}

async fn ship(_ctx: Ctx, item: String) -> Result<String> {
    Ok(format!("label for {item}"))
}

/// Expects everything that `checkout` asks for.
fn shop() -> MockContext {
    let mut ctx = MockContext::new();
    ctx.expect_run_as_step()
        .withf(|step, _| step.name == "price")
        .returning(|_, _| Ok(Value::new(250u64)));
    ctx.expect_list_workflows()
        .withf(|listing| listing.filter.names == ["checkout"])
        .returning(|_| Ok(WorkflowPage::new()));
    ctx.expect_run_workflow()
        .withf(|child| {
            child.name.ends_with("::ship") && child.input.downcast_ref() == Some(&"tea".to_owned())
        })
        .returning(|_| Ok(ReadyHandle::of("shipment-1", "label 1".to_owned())));
    ctx
}

#[tokio::test]
async fn a_workflow_runs_on_expectations() {
    let receipt = checkout(Ctx::new(shop()), "tea".into()).await.unwrap();
    assert_eq!(receipt, "order 1: 250 cents, label 1");
}

#[tokio::test]
async fn a_step_fails_as_the_mock_says() {
    let mut ctx = MockContext::new();
    ctx.expect_run_as_step()
        .returning(|_, _| Err(durable::Failure::msg("no price").with_code("unknown_item")));

    let failure = checkout(Ctx::new(ctx), "tea".into()).await.unwrap_err();
    assert_eq!(failure.code(), Some("unknown_item"));
}

#[tokio::test]
async fn a_child_fails_as_the_mock_says() {
    let mut ctx = MockContext::new();
    ctx.expect_run_workflow().returning(|_| {
        let workflow_id = "shipment-1".to_owned();
        Ok(ReadyHandle::failed(
            "shipment-1",
            Error::Cancelled { workflow_id },
        ))
    });

    let ctx = shop_without_children(ctx);
    let failure = checkout(Ctx::new(ctx), "tea".into()).await.unwrap_err();
    assert!(matches!(failure.as_error(), Some(Error::Cancelled { .. })));
}

#[tokio::test]
async fn a_child_can_be_a_mock_of_its_own() {
    let mut shipment = MockHandle::new();
    shipment
        .expect_get_result()
        .withf(|request| request.timeout.is_none())
        .times(1)
        .returning(|_| Ok(Value::new("label 2".to_owned())));
    let mut ctx = MockContext::new();
    ctx.expect_run_workflow()
        .return_once(|_| Ok(Arc::new(shipment)));

    let ctx = shop_without_children(ctx);
    let receipt = checkout(Ctx::new(ctx), "tea".into()).await.unwrap();
    assert_eq!(receipt, "order 1: 250 cents, label 2");
}

/// `ctx`, and what `checkout` asks for besides children.
fn shop_without_children(mut ctx: MockContext) -> MockContext {
    ctx.expect_run_as_step()
        .returning(|_, _| Ok(Value::new(250u64)));
    ctx.expect_list_workflows()
        .returning(|_| Ok(WorkflowPage::new()));
    ctx
}

#[tokio::test]
async fn a_mock_can_run_the_body_of_a_step() {
    let mut ctx = MockContext::new();
    ctx.expect_run_as_step()
        .returning(|_, step| step.call(1).now_or_never().expect("waits for nothing"));
    ctx.expect_list_workflows()
        .returning(|_| Ok(WorkflowPage::new()));
    ctx.expect_run_workflow()
        .returning(|_| Ok(ReadyHandle::of("shipment-1", "label 1".to_owned())));

    let receipt = checkout(Ctx::new(ctx), "tea".into()).await.unwrap();
    assert_eq!(receipt, "order 1: 300 cents, label 1");
}

/// What a user wrote, on tables in the store's database.
async fn debit(ctx: Ctx, cents: i64) -> Result<String> {
    let left = durable::run_as_transaction(&ctx, |mut tx: PgTransaction| async move {
        let sql = "UPDATE accounts SET cents = cents - $1 WHERE id = 7 RETURNING cents";
        let update = sqlx::query_scalar::<_, i64>(sql).bind(cents);
        Ok(update.fetch_one(&mut *tx).await?)
    })
    .named("debit")
    .await?;
    Ok(format!("{left} cents are left"))
}

#[tokio::test]
async fn a_transaction_comes_to_what_the_mock_says() {
    let mut ctx = MockContext::new();
    ctx.expect_run_as_transaction()
        .withf(|options, _| options.step.name == "debit" && options.source.is_none())
        .times(1)
        .returning(|_, _| Ok(Value::new(4200_i64)));
    let told = debit(Ctx::new(ctx), 100).await.unwrap();
    assert_eq!(told, "4200 cents are left");

    let mut ctx = MockContext::new();
    ctx.expect_run_as_transaction()
        .returning(|_, _| Err(durable::Failure::msg("no funds").with_code("declined")));
    let failure = debit(Ctx::new(ctx), 100).await.unwrap_err();
    assert_eq!(failure.code(), Some("declined"));
}

/// What a user wrote, with a transaction that a test can make.
async fn reserve(ctx: Ctx, seat: u32) -> Result<u32> {
    durable::run_as_transaction(&ctx, |plan: Vec<u32>| async move {
        match plan.contains(&seat) {
            true => Ok(seat),
            false => Err(durable::Failure::msg("taken")),
        }
    })
    .await
}

#[tokio::test]
async fn a_mock_can_run_the_body_of_a_transaction() {
    for (seat, free) in [(7, true), (8, false)] {
        let mut ctx = MockContext::new();
        ctx.expect_run_as_transaction().returning(|_, body| {
            let transaction = Box::new(vec![7_u32]);
            body.call(transaction)
                .now_or_never()
                .expect("waits for nothing")
        });
        assert_eq!(reserve(Ctx::new(ctx), seat).await.is_ok(), free);
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_type_is_told_so() {
    let mut ctx = MockContext::new();
    ctx.expect_run_as_step()
        .returning(|_, _| Ok(Value::new("cheap".to_owned())));

    let failure = checkout(Ctx::new(ctx), "tea".into()).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the output of step 0 `price` of workflow `mocked`: cannot read a value of type `u64` \
         as a live value: it holds a `alloc::string::String`"
    );
}

#[tokio::test]
async fn a_child_of_the_wrong_type_is_told_so() {
    let mut ctx = MockContext::new();
    ctx.expect_run_workflow()
        .returning(|_| Ok(ReadyHandle::of("shipment-1", 1u64)));

    let ctx = shop_without_children(ctx);
    let failure = checkout(Ctx::new(ctx), "tea".into()).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the output of workflow `shipment-1`: cannot decode a value of type `alloc::string::String` \
         as json: invalid type: integer `1`, expected a string at line 1 column 1"
    );
}

#[tokio::test]
#[should_panic(
    expected = "MockContext::run_workflow(StartWorkflow { name: \"mocked_workflow::ship\""
)]
async fn a_call_that_nobody_expects_panics_with_its_arguments() {
    let mut ctx = MockContext::new();
    ctx.expect_run_workflow()
        .withf(|child| child.name == "another")
        .returning(|_| Ok(ReadyHandle::of("another-1", ())));

    let _ = checkout(Ctx::new(shop_without_children(ctx)), "tea".into()).await;
}

#[tokio::test]
async fn calls_are_numbered_as_by_an_engine() {
    let mut ctx = MockContext::new();
    ctx.expect_run_as_step()
        .withf(|step, _| step.step_id == Some(0))
        .returning(|_, _| Ok(Value::new(250u64)));
    ctx.expect_list_workflows()
        .withf(|listing| listing.step_id == Some(1))
        .returning(|_| Ok(WorkflowPage::new()));
    ctx.expect_run_workflow()
        .withf(|child| child.step_id == Some(2))
        .returning(|_| Ok(ReadyHandle::of("shipment-1", "label 1".to_owned())));

    checkout(Ctx::new(ctx), "tea".into()).await.unwrap();
}
