use std::time::Duration;

use durable::{Ctx, Error, WorkflowStatus};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, Gate, Log, life, register, row, stop};

/// A workflow of one step of that name, and then a gate.
fn step_named(
    name: &'static str,
    arrived: &Counter,
    gate: &Gate,
    swallow: bool,
) -> impl Fn(Ctx, ()) -> Flow<u32> + Clone + Send + Sync + 'static {
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            let step = durable::run_as_step(&ctx, || async { Ok(1) })
                .named(name)
                .await;
            if swallow && step.is_err() {
                return Ok(0);
            }
            step?;
            arrived.up();
            gate.pass().await;
            Ok(1)
        })
    }
}

pub(super) async fn an_unexpected_step_names_both_and_stays_recoverable(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let right = step_named("charge", &arrived, &gate, false);
    let wrong = step_named("refund", &arrived, &gate, false);
    let first = life(bench, |ctx| register(ctx, "flow", &right)).await;
    durable::run_workflow(&first, right.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let handle_on = async |ctx: &Ctx| durable::retrieve_workflow::<u32>(ctx, "w").await.unwrap();

    let broken = life(bench, |ctx| register(ctx, "flow", &wrong)).await;
    let waited = handle_on(&broken)
        .await
        .get_result()
        .timeout(Duration::from_millis(200))
        .await;
    // The execution may have ended before the handle asked; then the workflow simply is not done.
    match waited.unwrap_err() {
        Error::UnexpectedStep {
            step_id,
            recorded,
            called,
            ..
        } => {
            assert_eq!((step_id, &*recorded, &*called), (0, "charge", "refund"));
        }
        Error::TimedOut { status, .. } => assert_eq!(status, WorkflowStatus::Pending),
        other => panic!("{other}"),
    }
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Pending);

    gate.open();
    let mended = life(bench, |ctx| register(ctx, "flow", &right)).await;
    assert_eq!(handle_on(&mended).await.get_result().await.unwrap(), 1);
    for ctx in [&first, &broken, &mended] {
        stop(ctx).await;
    }
}

pub(super) async fn a_swallowed_unexpected_step_is_no_success(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let right = step_named("charge", &arrived, &gate, true);
    let wrong = step_named("refund", &arrived, &gate, true);
    let first = life(bench, |ctx| register(ctx, "flow", &right)).await;
    durable::run_workflow(&first, right.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let broken = life(bench, |ctx| register(ctx, "flow", &wrong)).await;
    durable::shutdown(&broken, Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Pending);
    stop(&first).await;
}

pub(super) async fn a_changed_input_type_stays_recoverable(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let old = {
        let arrived = arrived.clone();
        move |_: Ctx, _: u8| -> Flow<u32> {
            arrived.up();
            Box::pin(std::future::pending())
        }
    };
    let new = |_: Ctx, _: (String, String)| -> Flow<u32> { Box::pin(async { Ok(2) }) };
    let mended = |_: Ctx, input: u8| -> Flow<u32> { Box::pin(async move { Ok(input.into()) }) };
    let first = life(bench, |ctx| register(ctx, "flow", &old)).await;
    durable::run_workflow(&first, old, 3u8)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &new)).await;
    durable::shutdown(&second, Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Pending);
    let third = life(bench, |ctx| register(ctx, "flow", &mended)).await;
    let handle = durable::retrieve_workflow::<u32>(&third, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 3);
    stop(&first).await;
    stop(&third).await;
}

pub(super) async fn a_changed_step_type_stays_recoverable(bench: &Bench<'_, impl Backend>) {
    let (arrived, seen) = (Counter::default(), Log::default());
    let old = {
        let arrived = arrived.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let arrived = arrived.clone();
            Box::pin(async move {
                durable::run_as_step(&ctx, || async { Ok(1u8) })
                    .named("step")
                    .await?;
                arrived.up();
                std::future::pending().await
            })
        }
    };
    let new = {
        let seen = seen.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let seen = seen.clone();
            Box::pin(async move {
                let step = durable::run_as_step(&ctx, || async { Ok(("a".to_owned(), 1u64)) });
                if let Err(failure) = step.named("step").await {
                    seen.add(failure.to_string());
                }
                Ok(0)
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &old)).await;
    durable::run_workflow(&first, old, ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &new)).await;
    durable::shutdown(&second, Duration::from_secs(30))
        .await
        .unwrap();
    let text = seen.lines().concat();
    for part in [
        "step 0 `step`",
        "workflow `w`",
        "(alloc::string::String, u64)",
        "bincode",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Pending);
    stop(&first).await;
}
