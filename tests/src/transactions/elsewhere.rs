//! `.on(&source)`: the user's tables are in another database than the store.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use durable::{
    Ctx, Error, Failure, Result,
    store::{
        DynBody, StepRef, StoreError, StoreErrorKind, StoreResult, TransactionOutcome,
        TransactionStore,
    },
};

use super::{Database, Desk, crash_points::at_every_crash_point, desk::Book};
use crate::e2e::support::{Counter, Flow, Gate, life, process, register, stop};

/// A transactional step on the shop, which makes an entry of its workflow's and does something; then a plain step.
fn order<D: Database>(
    shop: &Book<D>,
    source: &(impl TransactionStore + Clone),
    runs: &Counter,
    then: fn() -> Result<u32>,
) -> impl Fn(Ctx, ()) -> Flow<u32> + Clone + Send + Sync + 'static {
    let (shop, source, runs) = (shop.clone(), source.clone(), runs.clone());
    move |ctx, ()| {
        let (shop, source, runs) = (shop.clone(), source.clone(), runs.clone());
        Box::pin(async move {
            let id = ctx.workflow_id().expect("is in a workflow").to_owned();
            let (shop, id, runs) = (&shop, &id, &runs);
            let ordered = durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                runs.up();
                shop.enter(&mut tx, id).await?;
                then()
            })
            .named("order")
            .on(&source)
            .await?;
            let after = durable::run_as_step(&ctx, || async { Ok(ordered + 1) });
            after.named("after").await
        })
    }
}

pub(super) async fn writes_to_another_database_happen_once_at_every_crash_point<D: Database>(
    desk: &Desk<'_, D>,
) {
    let source = desk.source().await;
    let flow = order(&desk.shop, &source, &Counter::default(), || Ok(1));
    at_every_crash_point(desk, &flow, 3, async |id, result, when| {
        assert_eq!(result, 2, "{when}");
        let mut entries = desk.shop.entries().await;
        entries.retain(|entry| entry == id);
        assert_eq!(entries.len(), 1, "{when}");
        assert_eq!(desk.steps(id).await, ["order", "after"], "{when}");
    })
    .await;
}

/// A database whose first call is lost, before or after it takes effect.
#[derive(Clone, Debug)]
struct Lossy<S> {
    inner: S,
    carried_out: bool,
    lost: Arc<AtomicBool>,
}

#[async_trait]
impl<S: TransactionStore> TransactionStore for Lossy<S> {
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        if self.lost.swap(true, Ordering::SeqCst) {
            return self.inner.run_transaction(step, body).await;
        }
        if self.carried_out {
            self.inner.run_transaction(step, body).await?;
        }
        Err(StoreError::new(
            StoreErrorKind::Indeterminate,
            "run_transaction",
        ))
    }
}

pub(super) async fn a_lost_answer_of_the_other_database_changes_nothing<D: Database>(
    desk: &Desk<'_, D>,
) {
    for (id, carried_out) in [("request", false), ("answer", true)] {
        let source = Lossy {
            inner: desk.source().await,
            carried_out,
            lost: Arc::default(),
        };
        let runs = Counter::default();
        let flow = order(&desk.shop, &source, &runs, || Ok(1));
        let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
        let handle = durable::run_workflow(&ctx, flow, ()).id(id).await.unwrap();
        assert_eq!(handle.get_result().await.unwrap(), 2);
        assert_eq!(runs.get(), 1, "{id}");
        assert_eq!(desk.steps(id).await, ["order", "after"]);
        stop(&ctx).await;
    }
    assert_eq!(desk.shop.entries().await, ["answer", "request"]);
}

pub(super) async fn a_failure_in_another_database_is_recorded<D: Database>(desk: &Desk<'_, D>) {
    let (source, runs) = (desk.source().await, Counter::default());
    let sold_out = || Err(Failure::msg("sold out").with_code("sold_out"));
    let flow = order(&desk.shop, &source, &runs, sold_out);
    let ctx = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    let Error::WorkflowFailed { failure, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(failure.code(), Some("sold_out"));
    assert_eq!(desk.steps("w").await, ["order"]);
    assert_eq!(runs.get(), 1);
    assert_eq!(desk.shop.entries().await, Vec::<String>::new());
    stop(&ctx).await;
}

/// A transactional step on the shop, which makes an entry and waits at a gate.
fn slow<D: Database>(
    shop: &Book<D>,
    source: &D::Source,
    arrived: &Counter,
    gate: &Gate,
) -> impl Fn(Ctx, ()) -> Flow<()> + Clone + Send + Sync + 'static {
    let (shop, source) = (shop.clone(), source.clone());
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (shop, source) = (shop.clone(), source.clone());
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            let (shop, arrived, gate) = (&shop, &arrived, &gate);
            durable::run_as_transaction(&ctx, |mut tx: D::Transaction| async move {
                shop.enter(&mut tx, "entry").await?;
                arrived.up();
                gate.pass().await;
                Ok(())
            })
            .named("order")
            .on(&source)
            .await
        })
    }
}

pub(super) async fn an_execution_that_lost_its_workflow_writes_nothing_twice<D: Database>(
    desk: &Desk<'_, D>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = slow(&desk.shop, &desk.source().await, &arrived, &gate);
    let first = life(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let started = durable::run_workflow(&first, flow.clone(), ()).id("w");
    started.await.unwrap();
    arrived.reaches(1).await;
    let second = life(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    if D::SIDE_BY_SIDE {
        arrived.reaches(2).await;
    }
    gate.open();
    let handle = durable::retrieve_workflow::<()>(&second, "w").await;
    handle.unwrap().get_result().await.unwrap();
    // Until the loser is stopped, it may come late.
    durable::shutdown(&first, Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(desk.shop.entries().await, ["entry"]);
    assert_eq!(desk.steps("w").await, ["order"]);
    stop(&second).await;
}

pub(super) async fn a_resumed_workflow_does_not_repeat_what_was_committed<D: Database>(
    desk: &Desk<'_, D>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = slow(&desk.shop, &desk.source().await, &arrived, &gate);
    let first = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let started = durable::run_workflow(&first, flow.clone(), ()).id("w");
    let handle = started.await.unwrap();
    arrived.reaches(1).await;
    let client = durable::new_client(crate::e2e::support::config(desk.bench.open().await))
        .await
        .unwrap();
    durable::cancel_workflow(&client, "w").await.unwrap();
    gate.open();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    durable::shutdown(&first, Duration::from_secs(10))
        .await
        .unwrap();
    let committed = desk.shop.entries().await;

    let second = process(desk.bench, |ctx| register(ctx, "flow", &flow)).await;
    let resumed = durable::resume_workflow::<()>(&second, "w").await;
    resumed.unwrap().get_result().await.unwrap();
    assert_eq!(desk.shop.entries().await, ["entry"]);
    assert_eq!(desk.steps("w").await, ["order"]);
    // Whether the cancelled execution had come to its commit.
    let runs = 2 - u32::try_from(committed.len()).unwrap();
    assert_eq!(arrived.get(), runs);
    stop(&second).await;
}
