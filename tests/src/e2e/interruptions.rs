use std::time::Duration;

use durable::{Ctx, Error, Failure, WorkflowStatus};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, Gate, PATIENCE, gated, life, process, register, row, stop};

pub(super) async fn a_start_whose_caller_is_gone_is_run_all_the_same(
    bench: &Bench<'_, impl Backend>,
) {
    let flow = |_: Ctx, (): ()| -> Flow<u32> { Box::pin(async { Ok(7) }) };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let start = durable::run_workflow(&ctx, flow, ()).id("w").into_future();
    // Begun, and dropped before it is answered.
    drop(tokio::time::timeout(Duration::ZERO, start).await);
    let finished = async {
        loop {
            match durable::retrieve_workflow::<u32>(&ctx, "w").await {
                Ok(handle) => return handle.get_result().await.unwrap(),
                Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, finished).await.unwrap(), 7);
    stop(&ctx).await;
}

pub(super) async fn effects_after_the_stop_signal_leave_no_trace(bench: &Bench<'_, impl Backend>) {
    let runs = Counter::default();
    let flow = {
        let runs = runs.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let runs = runs.clone();
            Box::pin(async move {
                if runs.up() == 0 {
                    ctx.cancelled().await;
                    durable::set_event(&ctx, "state", "pausing".to_owned()).await?;
                    return Err(Failure::msg("told to stop"));
                }
                durable::run_as_step(&ctx, || async { Ok(7) })
                    .named("work")
                    .await
            })
        }
    };
    let first = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    runs.reaches(1).await;
    durable::shutdown(&first, PATIENCE).await.unwrap();
    let second = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 7);
    stop(&second).await;
}

pub(super) async fn a_parent_waits_on_for_a_child_that_is_interrupted(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let child = |step: &'static str| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let (arrived, gate) = (arrived.clone(), gate.clone());
            Box::pin(async move {
                let charged = durable::run_as_step(&ctx, || async { Ok(7) })
                    .named(step)
                    .await;
                arrived.up();
                let charged = charged?;
                gate.pass().await;
                Ok(charged)
            })
        }
    };
    let (right, wrong) = (child("charge"), child("refund"));
    let parent = {
        let right = right.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let right = right.clone();
            Box::pin(async move {
                let child = durable::run_workflow(&ctx, right, ()).name("child").await?;
                Ok(child.get_result().await?)
            })
        }
    };
    let first = life(bench, |ctx| {
        register(ctx, "child", &right);
        register(ctx, "parent", &parent);
    })
    .await;
    durable::run_workflow(&first, parent.clone(), ())
        .id("p")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let broken = life(bench, |ctx| {
        register(ctx, "child", &wrong);
        register(ctx, "parent", &parent);
    })
    .await;
    arrived.reaches(2).await;
    durable::shutdown(&broken, PATIENCE).await.unwrap();
    assert_eq!(row(bench, "p").await.status, WorkflowStatus::Pending);
    gate.open();
    let mended = life(bench, |ctx| {
        register(ctx, "child", &right);
        register(ctx, "parent", &parent);
    })
    .await;
    let handle = durable::retrieve_workflow::<u32>(&mended, "p")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 7);
    stop(&first).await;
    stop(&mended).await;
}

pub(super) async fn a_resumed_workflow_is_free_of_its_old_deadline(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = gated(&arrived, &gate);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let short = ctx.with_timeout(Duration::from_millis(400));
    durable::run_workflow(&short, flow, ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    durable::cancel_workflow(&ctx, "w").await.unwrap();
    let handle = durable::resume_workflow::<u32>(&ctx, "w").await.unwrap();
    arrived.reaches(2).await;
    // The first execution is still in its step when its deadline comes.
    tokio::time::sleep(Duration::from_millis(600)).await;
    gate.open();
    assert_eq!(handle.get_result().await.unwrap(), 7);
    stop(&ctx).await;
}

pub(super) async fn a_step_cannot_have_a_name_of_the_library(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<bool> {
        Box::pin(async move {
            let step = durable::run_as_step(&ctx, || async { Ok(()) }).named("durable.dropped");
            let failure = step.await.unwrap_err();
            Ok(matches!(
                failure.as_error(),
                Some(Error::InvalidName { .. })
            ))
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).await.unwrap();
    assert!(handle.get_result().await.unwrap());
    stop(&ctx).await;
}
