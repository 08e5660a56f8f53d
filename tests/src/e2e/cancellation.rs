use std::time::Duration;

use durable::{Ctx, Error, Failure, Result, StepContext, WorkflowStatus};
use durable_testing::{Backend, Bench};

use super::support::{
    Counter, Flow, Gate, config, gated, launched, life, process, register, row, stop,
};

/// A step, a very long sleep, a step.
fn sleeper(steps: &Counter) -> impl Fn(Ctx, ()) -> Flow<u32> + Clone + Send + Sync + 'static {
    let steps = steps.clone();
    move |ctx, ()| {
        let steps = steps.clone();
        Box::pin(async move {
            durable::run_as_step(&ctx, || async { Ok(steps.up()) })
                .named("one")
                .await?;
            durable::sleep(&ctx, Duration::from_secs(86_400)).await?;
            durable::run_as_step(&ctx, || async { Ok(steps.up()) })
                .named("two")
                .await
        })
    }
}

/// Long intervals, so that only hints can be quick.
async fn hinted(bench: &Bench<'_, impl Backend>, register: impl FnOnce(&Ctx)) -> Ctx {
    let slow = config(bench.open().await).poll_interval(Duration::from_secs(60));
    launched(slow, register).await
}

pub(super) async fn cancelling_wakes_a_sleep_at_once(bench: &Bench<'_, impl Backend>) {
    let steps = Counter::default();
    let flow = sleeper(&steps);
    let ctx = hinted(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    steps.reaches(1).await;
    durable::cancel_workflow(&ctx, "w").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(
        matches!(&error, Error::Cancelled { workflow_id } if workflow_id == "w"),
        "{error}"
    );
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Cancelled);
    durable::shutdown(&ctx, Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(steps.get(), 1);
}

pub(super) async fn cancelling_from_another_process_is_noticed(bench: &Bench<'_, impl Backend>) {
    let steps = Counter::default();
    let flow = sleeper(&steps);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let other = process(bench, |_| {}).await;
    durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    steps.reaches(1).await;
    durable::cancel_workflow(&other, "w").await.unwrap();
    // Were the sleep not woken, the shutdown would report it.
    let report = durable::shutdown(&ctx, Duration::from_secs(30))
        .await
        .unwrap();
    assert!(report.unfinished.is_empty());
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Cancelled);
    stop(&other).await;
}

pub(super) async fn a_swallowed_cancellation_is_no_success(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let flow = {
        let arrived = arrived.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let arrived = arrived.clone();
            Box::pin(async move {
                arrived.up();
                let slept = durable::sleep(&ctx, Duration::from_secs(86_400)).await;
                assert!(matches!(slept, Err(Error::Cancelled { .. })), "{slept:?}");
                assert!(ctx.is_cancelled());
                Ok(1)
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    arrived.reaches(1).await;
    durable::cancel_workflow(&ctx, "w").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    stop(&ctx).await;
}

pub(super) async fn a_cancel_during_the_last_step_is_no_success(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = gated(&arrived, &gate);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    arrived.reaches(1).await;
    durable::cancel_workflow(&ctx, "w").await.unwrap();
    gate.open();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    durable::shutdown(&ctx, Duration::from_secs(30))
        .await
        .unwrap();
    let steps = bench.open().await.list_steps("w").await.unwrap();
    assert!(
        steps.is_empty(),
        "the outcome of a step that was cut off is not recorded"
    );
}

pub(super) async fn a_step_that_looks_sees_the_cancellation(bench: &Bench<'_, impl Backend>) {
    let (arrived, saw) = (Counter::default(), Counter::default());
    let flow = {
        let (arrived, saw) = (arrived.clone(), saw.clone());
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let (arrived, saw) = (arrived.clone(), saw.clone());
            Box::pin(async move {
                durable::run_as_step(&ctx, |step: StepContext| {
                    let (arrived, saw) = (arrived.clone(), saw.clone());
                    async move {
                        arrived.up();
                        step.cancelled().await;
                        saw.up();
                        Err(Failure::msg("cut off"))
                    }
                })
                .await
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let other = process(bench, |_| {}).await;
    durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    arrived.reaches(1).await;
    durable::cancel_workflow(&other, "w").await.unwrap();
    saw.reaches(1).await;
    stop(&ctx).await;
    stop(&other).await;
}

pub(super) async fn a_resumed_workflow_goes_on_after_its_last_step(
    bench: &Bench<'_, impl Backend>,
) {
    let (steps, recorded, gate) = (Counter::default(), Counter::default(), Gate::closed());
    let flow = {
        let (steps, recorded, gate) = (steps.clone(), recorded.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let (steps, recorded, gate) = (steps.clone(), recorded.clone(), gate.clone());
            Box::pin(async move {
                durable::run_as_step(&ctx, || async { Ok(steps.up()) }).await?;
                recorded.up();
                gate.pass().await;
                durable::run_as_step(&ctx, || async { Ok(steps.up()) }).await
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    recorded.reaches(1).await;
    durable::cancel_workflow(&ctx, "w").await.unwrap();
    gate.open();
    let handle = durable::resume_workflow::<u32>(&ctx, "w").await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 1);
    assert_eq!(steps.get(), 2, "the first step is not run again");
    // Finished, it stays as it is.
    let handle = durable::resume_workflow::<u32>(&ctx, "w").await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 1);
    stop(&ctx).await;
}

pub(super) async fn children_are_cancelled_if_that_is_asked_for(bench: &Bench<'_, impl Backend>) {
    let steps = Counter::default();
    let child = sleeper(&steps);
    let parent = {
        let child = child.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let child = child.clone();
            Box::pin(async move {
                Ok(durable::run_workflow(&ctx, child, ())
                    .await?
                    .get_result()
                    .await?)
            })
        }
    };
    let ctx = process(bench, |ctx| {
        register(ctx, "child", &child);
        register(ctx, "parent", &parent);
    })
    .await;
    for (id, children, expected) in [
        ("alone", false, WorkflowStatus::Pending),
        ("all", true, WorkflowStatus::Cancelled),
    ] {
        let before = steps.get();
        durable::run_workflow(&ctx, parent.clone(), ())
            .id(id)
            .await
            .unwrap();
        steps.reaches(before + 1).await;
        let outcome = durable::cancel_workflows(&ctx, vec![id.into(), "none".into()], children)
            .await
            .unwrap();
        assert_eq!(outcome.unknown, ["none"]);
        assert_eq!(row(bench, id).await.status, WorkflowStatus::Cancelled);
        assert_eq!(row(bench, &format!("{id}-0")).await.status, expected);
    }
    stop(&ctx).await;
}

pub(super) async fn a_context_with_cancel_cancels_what_it_started(bench: &Bench<'_, impl Backend>) {
    let steps = Counter::default();
    let flow = sleeper(&steps);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let (derived, canceller) = ctx.with_cancel();
    let cancelled = durable::run_workflow(&derived, flow.clone(), ())
        .await
        .unwrap();
    durable::run_workflow(&ctx, flow, ())
        .id("free")
        .await
        .unwrap();
    steps.reaches(2).await;
    canceller.cancel();
    let error = cancelled.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    assert_eq!(row(bench, "free").await.status, WorkflowStatus::Pending);
    stop(&ctx).await;
}

pub(super) async fn a_deadline_cancels(bench: &Bench<'_, impl Backend>) {
    let steps = Counter::default();
    let flow = sleeper(&steps);
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let short = ctx.with_timeout(Duration::from_millis(100));
    let handle = durable::run_workflow(&short, flow, ())
        .id("w")
        .await
        .unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    let record = row(bench, "w").await;
    assert_eq!(record.status, WorkflowStatus::Cancelled);
    assert!(record.deadline.unwrap() >= record.created_at);
    assert!(record.completed_at.unwrap() >= record.deadline.unwrap());
    stop(&ctx).await;
}

pub(super) async fn a_deadline_is_enforced_by_whoever_notices(bench: &Bench<'_, impl Backend>) {
    let flow = |_: Ctx, (): ()| -> Flow<()> { Box::pin(std::future::pending()) };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let short = ctx.with_timeout(Duration::from_millis(150));
    durable::run_workflow(&short, flow, ())
        .id("w")
        .await
        .unwrap();
    // Nobody runs it any more when its time is up.
    stop(&ctx).await;
    let other = process(bench, |_| {}).await;
    let handle = durable::retrieve_workflow::<()>(&other, "w").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    stop(&other).await;
}

pub(super) async fn a_deadline_survives_a_restart(bench: &Bench<'_, impl Backend>) {
    let steps = Counter::default();
    let flow = sleeper(&steps);
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let short = first.with_timeout(Duration::from_millis(300));
    durable::run_workflow(&short, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    steps.reaches(1).await;
    let deadline = row(bench, "w").await.deadline;
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    assert_eq!(
        row(bench, "w").await.deadline,
        deadline,
        "it is not started anew"
    );
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn children_inherit_a_deadline_unless_they_are_detached(
    bench: &Bench<'_, impl Backend>,
) {
    async fn child(ctx: Ctx, (): ()) -> Result<Option<i64>> {
        Ok(ctx.deadline().map(durable::Timestamp::as_millis))
    }
    let parent = |ctx: Ctx, (): ()| -> Flow<Vec<Option<i64>>> {
        Box::pin(async move {
            let longer = ctx.with_timeout(Duration::from_secs(86_400));
            let shorter = ctx.with_timeout(Duration::from_secs(60));
            let free = ctx.without_cancel();
            let mut seen = vec![ctx.deadline().map(durable::Timestamp::as_millis)];
            for ctx in [&ctx, &longer, &shorter, &free] {
                seen.push(
                    durable::run_workflow(ctx, child, ())
                        .await?
                        .get_result()
                        .await?,
                );
            }
            Ok(seen)
        })
    };
    let ctx = process(bench, |ctx| {
        register(ctx, "child", &child);
        register(ctx, "parent", &parent);
    })
    .await;
    let timed = ctx.with_timeout(Duration::from_secs(3600));
    let handle = durable::run_workflow(&timed, parent, ()).await.unwrap();
    let seen = handle.get_result().await.unwrap();
    let own = seen[0].unwrap();
    assert_eq!((seen[1], seen[2], seen[4]), (Some(own), Some(own), None));
    assert!(seen[3].unwrap() < own);
    stop(&ctx).await;
}
