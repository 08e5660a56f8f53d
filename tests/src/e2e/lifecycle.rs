use std::time::Duration;

use durable::{Config, Ctx, Error, RegisterOptions, Result, WorkflowStatus};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, Gate, config, gated, launched, process, register, row, stop};

async fn example(ctx: Ctx, _input: String) -> Result<String> {
    durable::run_as_step(&ctx, step).await
}

async fn step() -> Result<String> {
    Ok("Step completed".into())
}

pub(super) async fn the_seeds_program_completes(bench: &Bench<'_, impl Backend>) {
    let store = bench.open_raw().await;
    let ctx = durable::new_context(Config::new("rust-starter", store))
        .await
        .unwrap();
    durable::register_workflow(&ctx, example).unwrap();
    durable::launch(&ctx).await.unwrap();
    let handle = durable::run_workflow(&ctx, example, "some-input")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "Step completed");
    let report = durable::shutdown(&ctx, Duration::from_secs(10))
        .await
        .unwrap();
    assert!(report.unfinished.is_empty());
}

pub(super) async fn running_before_launch_is_an_error(bench: &Bench<'_, impl Backend>) {
    let ctx = durable::new_context(config(bench.open().await))
        .await
        .unwrap();
    durable::register_workflow(&ctx, example).unwrap();
    let error = durable::run_workflow(&ctx, example, "x").await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotLaunched {
                operation: "run_workflow"
            }
        ),
        "{error}"
    );
}

pub(super) async fn registering_twice_is_an_error(bench: &Bench<'_, impl Backend>) {
    let ctx = durable::new_context(config(bench.open().await))
        .await
        .unwrap();
    durable::register_workflow(&ctx, example).unwrap();
    let error = durable::register_workflow(&ctx, example).unwrap_err();
    assert!(
        matches!(&error, Error::AlreadyRegistered { name } if name.ends_with("example")),
        "{error}"
    );
}

pub(super) async fn registering_after_launch_is_an_error(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    let error = durable::register_workflow(&ctx, example).unwrap_err();
    assert!(matches!(error, Error::AlreadyLaunched { .. }), "{error}");
    stop(&ctx).await;
}

pub(super) async fn a_closure_needs_a_name(bench: &Bench<'_, impl Backend>) {
    let ctx = durable::new_context(config(bench.open().await))
        .await
        .unwrap();
    let closure = |_: Ctx, input: u8| async move { Ok(input) };
    let error = durable::register_workflow(&ctx, closure).unwrap_err();
    assert!(matches!(error, Error::Unnamed { .. }), "{error}");
    let pointer: fn(Ctx, String) -> Flow<String> = |ctx, input| Box::pin(example(ctx, input));
    let error = durable::register_workflow(&ctx, pointer).unwrap_err();
    assert!(matches!(error, Error::Unnamed { .. }), "{error}");
    let named = RegisterOptions::new().named("closure");
    durable::register_workflow_with(&ctx, closure, named).unwrap();
}

pub(super) async fn launching_twice_is_an_error(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    let error = durable::launch(&ctx).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyLaunched { .. }), "{error}");
    stop(&ctx).await;
}

pub(super) async fn shutdown_waits_for_what_is_running(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = gated(&arrived, &gate);
    let ctx = process(bench, |ctx| register(ctx, "gated", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).await.unwrap();
    arrived.reaches(1).await;
    let opener = async {
        gate.open();
        std::future::pending::<()>().await;
    };
    let report = tokio::select! {
        report = durable::shutdown(&ctx, Duration::from_secs(30)) => report.unwrap(),
        () = opener => unreachable!(),
    };
    assert!(report.unfinished.is_empty());
    assert_eq!(handle.get_result().await.unwrap(), 7);
}

pub(super) async fn shutdown_hands_unfinished_work_to_another_executor(
    bench: &Bench<'_, impl Backend>,
) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let flow = gated(&arrived, &gate);
    let first = process(bench, |ctx| register(ctx, "gated", &flow)).await;
    let second = process(bench, |ctx| register(ctx, "gated", &flow)).await;
    let handle = durable::run_workflow(&first, flow, ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;

    let report = durable::shutdown(&first, Duration::ZERO).await.unwrap();
    assert_eq!(report.unfinished, ["w"]);
    let error = handle.get_result().await.unwrap_err();
    assert!(
        matches!(error, Error::Interrupted { .. } | Error::ShutDown { .. }),
        "{error}"
    );

    gate.open();
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 7);
    let record = handle.get_status().await.unwrap();
    assert_eq!(
        record.recovery_attempts, 0,
        "a handover is no recovery attempt"
    );
    stop(&second).await;
}

pub(super) async fn shutdown_twice_is_harmless(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |_| {}).await;
    stop(&ctx).await;
    let report = durable::shutdown(&ctx, Duration::from_secs(1))
        .await
        .unwrap();
    assert!(report.unfinished.is_empty());
}

pub(super) async fn running_after_shutdown_is_an_error(bench: &Bench<'_, impl Backend>) {
    let ctx = process(bench, |ctx| {
        durable::register_workflow(ctx, example).unwrap()
    })
    .await;
    stop(&ctx).await;
    let error = durable::run_workflow(&ctx, example, "x").await.unwrap_err();
    assert!(matches!(error, Error::ShutDown { .. }), "{error}");
}

pub(super) async fn an_outcome_reached_after_a_look_at_the_stop_signal_is_not_recorded(
    bench: &Bench<'_, impl Backend>,
) {
    let arrived = Counter::default();
    let flow = {
        let arrived = arrived.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let arrived = arrived.clone();
            Box::pin(async move {
                arrived.up();
                ctx.cancelled().await;
                Ok(0)
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "looks", &flow)).await;
    durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    arrived.reaches(1).await;
    durable::shutdown(&ctx, Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(row(bench, "w").await.status, WorkflowStatus::Pending);
}

pub(super) async fn two_applications_share_a_store(bench: &Bench<'_, impl Backend>) {
    let registered = |ctx: &Ctx| durable::register_workflow(ctx, example).unwrap();
    let short = Duration::from_millis(50);
    let app = |name: &'static str, store| Config::new(name, store).takeover_interval(short);
    let one = launched(app("one", bench.open().await), registered).await;
    let two = launched(app("two", bench.open().await), registered).await;
    durable::run_workflow(&one, example, "x")
        .id("a")
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    durable::run_workflow(&two, example, "x")
        .id("b")
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    for (ctx, own, foreign) in [(&one, "a", "b"), (&two, "b", "a")] {
        let page = durable::list_workflows(ctx, durable::store::WorkflowFilter::new())
            .await
            .unwrap();
        let ids: Vec<_> = page
            .workflows
            .iter()
            .map(|record| record.id.as_str())
            .collect();
        assert_eq!(ids, [own]);
        let error = durable::run_workflow(ctx, example, "x")
            .id(foreign)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        stop(ctx).await;
    }
}
