use std::{sync::Arc, time::Duration};

use durable::{Ctx, Error, Failure, RegisterOptions, Result, WorkflowStatus};
use durable_testing::{Backend, Bench, FaultyStore};

use super::support::{
    Counter, Flow, Gate, Log, config, launched, life, process, register, row, stop,
};

/// A workflow of three steps, the second of which waits at a gate; each says when its body runs.
fn three_steps(
    log: &Log,
    arrived: &Counter,
    gate: &Gate,
) -> impl Fn(Ctx, u32) -> Flow<u32> + Clone + Send + Sync + 'static {
    let (log, arrived, gate) = (log.clone(), arrived.clone(), gate.clone());
    move |ctx, input| {
        let (log, arrived, gate) = (log.clone(), arrived.clone(), gate.clone());
        Box::pin(async move {
            let one = durable::run_as_step(&ctx, || async {
                log.add("one");
                Ok(input + 1)
            })
            .named("one")
            .await?;
            let two = durable::run_as_step(&ctx, || async {
                log.add("two");
                arrived.up();
                gate.pass().await;
                Ok(one + 1)
            })
            .named("two")
            .await?;
            durable::run_as_step(&ctx, || async {
                log.add("three");
                Ok(two + 1)
            })
            .named("three")
            .await
        })
    }
}

pub(super) async fn recovery_goes_on_after_the_last_completed_step(
    bench: &Bench<'_, impl Backend>,
) {
    let (log, arrived, gate) = (Log::default(), Counter::default(), Gate::closed());
    let flow = three_steps(&log, &arrived, &gate);
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), 1u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 4);
    let lines = log.lines();
    assert_eq!(lines.iter().filter(|line| *line == "one").count(), 1);
    assert_eq!(row(bench, "w").await.recovery_attempts, 1);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn a_recorded_failure_is_replayed_verbatim(bench: &Bench<'_, impl Backend>) {
    let (bodies, arrived, gate) = (Counter::default(), Counter::default(), Gate::closed());
    let flow = {
        let (bodies, arrived, gate) = (bodies.clone(), arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<(String, Option<String>, Vec<u8>)> {
            let (bodies, arrived, gate) = (bodies.clone(), arrived.clone(), gate.clone());
            Box::pin(async move {
                let failed: Result<()> = durable::run_as_step(&ctx, || async {
                    let number = bodies.up();
                    Err(Failure::msg(format!("body {number}"))
                        .with_code("c")
                        .with_details([7]))
                })
                .await;
                durable::run_as_step(&ctx, || async {
                    arrived.up();
                    gate.pass().await;
                    Ok(())
                })
                .await?;
                let failure = failed.unwrap_err();
                Ok((
                    failure.to_string(),
                    failure.code().map(str::to_owned),
                    failure.details().unwrap_or_default(),
                ))
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::run_workflow(&second, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    let seen = handle.get_result().await.unwrap();
    assert_eq!(seen, ("body 0".into(), Some("c".into()), vec![7]));
    assert_eq!(bodies.get(), 1);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn a_recovered_execution_loads_its_history_once(bench: &Bench<'_, impl Backend>) {
    let (log, arrived, gate) = (Log::default(), Counter::default(), Gate::closed());
    let flow = three_steps(&log, &arrived, &gate);
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), 1u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    gate.open();
    let store = FaultyStore::new(bench.open().await);
    let rare = config(Arc::new(store.clone()))
        .executor_id("phoenix")
        .takeover_interval(Duration::from_secs(3600));
    let second = launched(rare, |ctx| register(ctx, "flow", &flow)).await;
    durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap()
        .get_result()
        .await
        .unwrap();
    assert_eq!(
        store.count_of("list_steps"),
        0,
        "the history comes with the claim"
    );
    assert_eq!(store.count_of("claim_workflows"), 1);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn too_many_recoveries_make_a_dead_letter(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let flow = {
        let arrived = arrived.clone();
        move |_: Ctx, (): ()| -> Flow<()> {
            arrived.up();
            Box::pin(std::future::pending())
        }
    };
    let registered = |ctx: &Ctx| {
        let options = RegisterOptions::new()
            .named("flow")
            .max_recovery_attempts(2);
        durable::register_workflow_with(ctx, flow.clone(), options).unwrap();
    };
    let first = life(bench, registered).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    let mut lives = vec![first];
    for attempt in 1..=2 {
        lives.push(life(bench, registered).await);
        arrived.reaches(1 + attempt).await;
    }
    lives.push(life(bench, registered).await);
    let record = row(bench, "w").await;
    assert_eq!(record.status, WorkflowStatus::MaxRecoveryAttemptsExceeded);
    let last = lives.last().unwrap();
    let handle = durable::retrieve_workflow::<()>(last, "w").await.unwrap();
    let error = handle.get_result().await.unwrap_err();
    assert!(
        matches!(error, Error::DeadLetter { attempts: 2, .. }),
        "{error}"
    );
    assert_eq!(arrived.get(), 3, "a dead letter is not run");
    for ctx in &lives {
        stop(ctx).await;
    }
}

pub(super) async fn another_version_is_left_alone(bench: &Bench<'_, impl Backend>) {
    let (log, arrived, gate) = (Log::default(), Counter::default(), Gate::closed());
    let flow = three_steps(&log, &arrived, &gate);
    let version = async |version: &str| {
        let config = config(bench.open().await)
            .executor_id("phoenix")
            .app_version(version);
        launched(config, |ctx| register(ctx, "flow", &flow)).await
    };
    let old = version("1").await;
    durable::run_workflow(&old, flow.clone(), 1u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let new = version("2").await;
    // The launch of version 2 has looked for work, and has left this alone.
    assert_eq!(arrived.get(), 1);
    assert_eq!(row(bench, "w").await.recovery_attempts, 0);
    gate.open();
    let again = version("1").await;
    let handle = durable::retrieve_workflow::<u32>(&again, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 4);
    for ctx in [&old, &new, &again] {
        stop(ctx).await;
    }
}

pub(super) async fn a_workflow_that_is_not_registered_is_left_alone(
    bench: &Bench<'_, impl Backend>,
) {
    let (log, arrived, gate) = (Log::default(), Counter::default(), Gate::closed());
    let flow = three_steps(&log, &arrived, &gate);
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), 1u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let without = life(bench, |_| {}).await;
    let record = row(bench, "w").await;
    assert_eq!(
        (record.status, record.recovery_attempts),
        (WorkflowStatus::Pending, 0)
    );
    gate.open();
    let with = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<u32>(&with, "w").await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 4);
    for ctx in [&first, &without, &with] {
        stop(ctx).await;
    }
}

pub(super) async fn a_former_owner_writes_nothing(bench: &Bench<'_, impl Backend>) {
    let (log, arrived) = (Log::default(), Counter::default());
    let (first_gate, second_gate) = (Gate::closed(), Gate::closed());
    let slow = three_steps(&log, &arrived, &first_gate);
    let quick = three_steps(&Log::default(), &arrived, &second_gate);
    let first = life(bench, |ctx| register(ctx, "flow", &slow)).await;
    let stale = durable::run_workflow(&first, slow.clone(), 1u32)
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    // Another process of the same executor id takes over while the first is still in its second step.
    let second = life(bench, |ctx| register(ctx, "flow", &quick)).await;
    arrived.reaches(2).await;
    first_gate.open();
    // The first comes back, may not record its step, and learns the outcome from the store.
    durable::shutdown(&first, Duration::from_secs(30))
        .await
        .unwrap();
    let steps = bench.open().await.list_steps("w").await.unwrap();
    assert_eq!(steps.len(), 1, "the former owner recorded a step");
    assert_eq!(log.lines(), ["one", "two"], "the former owner went on");
    second_gate.open();
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 4);
    assert_eq!(stale.get_result().await.unwrap(), 4);
    stop(&second).await;
}

pub(super) async fn a_superseded_executor_starts_nothing(bench: &Bench<'_, impl Backend>) {
    async fn flow(_: Ctx, (): ()) -> Result<()> {
        Ok(())
    }
    let registered = |ctx: &Ctx| register(ctx, "flow", &flow);
    let first = life(bench, registered).await;
    let second = life(bench, registered).await;
    let error = durable::run_workflow(&first, flow, ())
        .id("w")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Superseded { executor_id } if executor_id == "phoenix"),
        "{error}"
    );
    let handle = durable::run_workflow(&second, flow, ())
        .id("w")
        .await
        .unwrap();
    handle.get_result().await.unwrap();
    stop(&first).await;
    let other = process(bench, registered).await;
    durable::run_workflow(&other, flow, ()).await.unwrap();
    stop(&second).await;
    stop(&other).await;
}

pub(super) async fn steps_side_by_side_are_recovered(bench: &Bench<'_, impl Backend>) {
    let (bodies, arrived, gate) = (Counter::default(), Counter::default(), Gate::closed());
    let flow = {
        let (bodies, arrived, gate) = (bodies.clone(), arrived.clone(), gate.clone());
        move |ctx: Ctx, (): ()| -> Flow<(u32, u32)> {
            let (bodies, arrived, gate) = (bodies.clone(), arrived.clone(), gate.clone());
            Box::pin(async move {
                let waits = durable::run_as_step(&ctx, || async {
                    gate.pass().await;
                    Ok(1)
                })
                .named("waits");
                let done =
                    durable::run_as_step(&ctx, || async { Ok(10 + bodies.up()) }).named("done");
                let (waits, done) = tokio::join!(async { waits.await }, async {
                    let done = done.await;
                    arrived.up();
                    done
                });
                Ok((waits?, done?))
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    arrived.reaches(2).await;
    gate.open();
    let handle = durable::retrieve_workflow::<(u32, u32)>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), (1, 10));
    assert_eq!(bodies.get(), 1, "the recorded one is not run again");
    stop(&first).await;
    stop(&second).await;
}
