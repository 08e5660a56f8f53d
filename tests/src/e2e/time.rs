use std::time::{Duration, Instant};

use durable::{Ctx, Error, Timestamp};
use durable_testing::{Backend, Bench};

use super::support::{Counter, Flow, Gate, Log, life, process, register, row, stop};

pub(super) async fn a_sleep_waits_and_ends(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, millis: u64| -> Flow<(Timestamp, Timestamp)> {
        Box::pin(async move {
            let before = durable::now(&ctx).await?;
            durable::sleep(&ctx, Duration::from_millis(millis)).await?;
            Ok((before, durable::now(&ctx).await?))
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, 30u64).await.unwrap();
    let (before, after) = handle.get_result().await.unwrap();
    assert!(after.saturating_duration_since(before) >= Duration::from_millis(30));
    stop(&ctx).await;
}

pub(super) async fn a_recovered_sleep_waits_only_for_what_is_left(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let flow = {
        let arrived = arrived.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let arrived = arrived.clone();
            Box::pin(async move {
                let sleep = durable::sleep(&ctx, Duration::from_millis(600));
                arrived.up();
                sleep.await?;
                Ok(1)
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let started = Instant::now();
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<u32>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), 1);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(600), "{took:?}");
    assert_eq!(bench.open().await.list_steps("w").await.unwrap().len(), 1);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn time_and_random_ids_are_replayed(bench: &Bench<'_, impl Backend>) {
    let (arrived, gate) = (Counter::default(), Gate::closed());
    let seen = Log::default();
    let flow = {
        let (arrived, gate, seen) = (arrived.clone(), gate.clone(), seen.clone());
        move |ctx: Ctx, (): ()| -> Flow<()> {
            let (arrived, gate, seen) = (arrived.clone(), gate.clone(), seen.clone());
            Box::pin(async move {
                let now = durable::now(&ctx).await?;
                let id = durable::random_uuid(&ctx).await?;
                seen.add(format!("{now} {id}"));
                arrived.up();
                gate.pass().await;
                Ok(())
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
    let seen = seen.lines();
    assert_eq!(seen[0], seen[1]);
    gate.open();
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn sleeping_belongs_to_workflows(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<String> {
        Box::pin(async move {
            durable::run_as_step(&ctx, || async {
                let inside = durable::sleep(&ctx, Duration::ZERO).await.unwrap_err();
                Ok(inside.to_string())
            })
            .await
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let outside = durable::sleep(&ctx, Duration::ZERO).await.unwrap_err();
    assert!(
        matches!(outside, Error::OutsideWorkflow { operation: "sleep" }),
        "{outside}"
    );
    let handle = durable::run_workflow(&ctx, flow, ()).await.unwrap();
    let text = handle.get_result().await.unwrap();
    assert!(text.contains("`sleep` was called inside step 0"), "{text}");
    stop(&ctx).await;
}

pub(super) async fn a_sleep_is_handed_over_at_shutdown(bench: &Bench<'_, impl Backend>) {
    let arrived = Counter::default();
    let flow = {
        let arrived = arrived.clone();
        move |ctx: Ctx, (): ()| -> Flow<u32> {
            let arrived = arrived.clone();
            Box::pin(async move {
                arrived.up();
                durable::sleep(&ctx, Duration::from_secs(3600)).await?;
                Ok(1)
            })
        }
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    arrived.reaches(1).await;
    // The shutdown does not wait for it.
    let shutdown = durable::shutdown(&ctx, Duration::from_secs(3600));
    tokio::time::timeout(super::support::PATIENCE, shutdown)
        .await
        .unwrap()
        .unwrap();
    let record = row(bench, "w").await;
    assert_eq!(record.status, durable::WorkflowStatus::Pending);
    assert!(record.owner.is_none());
}
