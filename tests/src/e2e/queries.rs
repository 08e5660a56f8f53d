use durable::{
    Ctx, Result, WorkflowStatus,
    store::{Outcome, WorkflowFilter},
};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, Gate, life, process, register, stop};

async fn double(ctx: Ctx, number: u32) -> Result<u32> {
    durable::run_as_step(&ctx, || async { Ok(number * 2) })
        .named("multiply")
        .await
}

pub(super) async fn a_listing_meets_its_filter(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "double", &double)).await;
    for number in 0..5u32 {
        let id = format!("order-{number}");
        let handle = durable::run_workflow(&ctx, double, number)
            .id(id)
            .await
            .unwrap();
        handle.get_result().await.unwrap();
    }
    durable::run_workflow(&ctx, double, 9u32)
        .id("other")
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    let filter = WorkflowFilter::new()
        .id_prefix("order-")
        .status(WorkflowStatus::Success)
        .limit(2);
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let mut filter = filter.clone();
        filter.after = after;
        let page = durable::list_workflows(&ctx, filter).await.unwrap();
        ids.extend(page.workflows.into_iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    ids.sort();
    assert_eq!(ids, ["order-0", "order-1", "order-2", "order-3", "order-4"]);
    stop(&ctx).await;
}

pub(super) async fn a_listing_inside_a_workflow_is_recorded(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<usize> {
            let (arrived, gate) = (arrived.clone(), gate.clone());
            Box::pin(async move {
                let filter = WorkflowFilter::new().name("double");
                let page = durable::list_workflows(&ctx, filter).await?;
                arrived.up();
                gate.pass().await;
                Ok(page.workflows.len())
            })
        }
    };
    let registered = |ctx: &Ctx| {
        register(ctx, "double", &double);
        register(ctx, "flow", &flow);
    };
    let first = life(bench, registered).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    // What a replay would find now is not what the first run was told.
    durable::run_workflow(&first, double, 1u32)
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    let second = life(bench, registered).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<usize>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 0);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn the_steps_of_a_workflow_can_be_listed(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| register(ctx, "double", &double)).await;
    let handle = durable::run_workflow(&ctx, double, 4u32)
        .id("w")
        .await
        .unwrap();
    handle.get_result().await.unwrap();
    let steps = durable::list_steps(&ctx, "w").await.unwrap();
    assert_eq!(steps.len(), 1);
    assert_eq!((steps[0].step_id, &*steps[0].name), (0, "multiply"));
    let Some(Outcome::Success(payload)) = &steps[0].outcome else {
        panic!("no output");
    };
    assert_eq!(payload.decode::<u32>().unwrap(), 8);
    assert!(steps[0].started_at <= steps[0].completed_at);
    stop(&ctx).await;
}

pub(super) async fn a_status_tells_when_and_where(bench: &Bench<'_, impl Backend>) {
    let ctx = life(bench, |ctx| register(ctx, "double", &double)).await;
    let handle = durable::run_workflow(&ctx, double, 4u32)
        .id("w")
        .await
        .unwrap();
    handle.get_result().await.unwrap();
    let record = handle.get_status().await.unwrap();
    assert_eq!(record.status, WorkflowStatus::Success);
    assert_eq!(record.app, "app");
    assert_eq!(record.name, "double");
    assert_eq!(record.version.as_deref(), Some("1"));
    assert_eq!(record.executor_id.as_deref(), Some("phoenix"));
    assert_eq!(record.recovery_attempts, 0);
    assert!(record.input.is_none(), "a status carries no payloads");
    assert!(record.started_at.unwrap() >= record.created_at);
    assert!(record.completed_at.unwrap() >= record.started_at.unwrap());
    stop(&ctx).await;
}

pub(super) async fn a_status_seen_by_a_workflow_is_recorded(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<WorkflowStatus> {
            let (arrived, gate) = (arrived.clone(), gate.clone());
            Box::pin(async move {
                let child = durable::run_workflow(&ctx, double, 1u32).await?;
                child.get_result().await?;
                let status = child.get_status().await?.status;
                arrived.up();
                gate.pass().await;
                Ok(status)
            })
        }
    };
    let registered = |ctx: &Ctx| {
        register(ctx, "double", &double);
        register(ctx, "flow", &flow);
    };
    let first = life(bench, registered).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    durable::delete_workflow(&first, "w-0").await.unwrap();
    gate.open();
    let second = life(bench, registered).await;
    let handle = durable::retrieve_workflow::<WorkflowStatus>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), WorkflowStatus::Success);
    stop(&first).await;
    stop(&second).await;
}
