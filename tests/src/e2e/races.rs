use std::time::Duration;

use durable::{Ctx, Result};
use durable_testing::{Backend, Bench};
use futures::future::BoxFuture;

use super::support::{Counter, Flow, Gate, life, process, register, stop};

/// A race between a step that waits at a gate and a step that is done at once; then a step, and a gate.
fn racer(
    slow: &Gate,
    runs: &Counter,
    arrived: &Counter,
    last: &Gate,
) -> impl Fn(Ctx, ()) -> Flow<String> + Clone + Send + Sync + 'static {
    let (slow, runs) = (slow.clone(), runs.clone());
    let (arrived, last) = (arrived.clone(), last.clone());
    move |ctx, ()| {
        let (slow, runs) = (slow.clone(), runs.clone());
        let (arrived, last) = (arrived.clone(), last.clone());
        Box::pin(async move {
            let slow = durable::run_as_step(&ctx, || async {
                runs.up();
                slow.pass().await;
                Ok("slow".to_owned())
            })
            .named("slow");
            let fast = durable::run_as_step(&ctx, || async { Ok("fast".to_owned()) }).named("fast");
            let slow = slow.into_future();
            let fast = fast.into_future();
            let winner: String = tokio::select! {
                winner = slow => winner?,
                winner = fast => winner?,
            };
            let after = durable::run_as_step(&ctx, || async { Ok(format!("after {winner}")) })
                .named("after")
                .await?;
            arrived.up();
            last.pass().await;
            Ok(after)
        })
    }
}

pub(super) async fn a_bare_select_has_the_same_winner_at_replay(bench: &Bench<'_, impl Backend>) {
    let (slow, last) = (Gate::closed(), Gate::closed());
    let (runs, arrived) = (Counter::default(), Counter::default());
    let flow = racer(&slow, &runs, &arrived, &last);
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    let before = runs.get();
    // In the replay the loser would be done at once, and could win.
    slow.open();
    last.open();
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<String>(&second, "w")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "after fast");
    assert_eq!(runs.get(), before, "the loser is not run again");
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn a_step_that_was_timed_out_stays_so_at_replay(bench: &Bench<'_, impl Backend>) {
    let (slow, last) = (Gate::closed(), Gate::closed());
    let (runs, arrived) = (Counter::default(), Counter::default());
    let flow = {
        let (slow, last) = (slow.clone(), last.clone());
        let (runs, arrived) = (runs.clone(), arrived.clone());
        move |ctx: Ctx, (): ()| -> Flow<bool> {
            let (slow, last) = (slow.clone(), last.clone());
            let (runs, arrived) = (runs.clone(), arrived.clone());
            Box::pin(async move {
                let step = durable::run_as_step(&ctx, || async {
                    runs.up();
                    slow.pass().await;
                    Ok(())
                })
                .into_future();
                let in_time = tokio::time::timeout(Duration::from_millis(30), step)
                    .await
                    .is_ok();
                let recorded = durable::run_as_step(&ctx, || async { Ok(in_time) }).await?;
                arrived.up();
                last.pass().await;
                Ok(recorded == in_time && !in_time)
            })
        }
    };
    let first = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    durable::run_workflow(&first, flow.clone(), ())
        .id("w")
        .await
        .unwrap();
    arrived.reaches(1).await;
    slow.open();
    last.open();
    let second = life(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::retrieve_workflow::<bool>(&second, "w")
        .await
        .unwrap();
    assert!(handle.get_result().await.unwrap());
    assert_eq!(runs.get(), 1);
    stop(&first).await;
    stop(&second).await;
}

pub(super) async fn select_yields_the_first(bench: &Bench<'_, impl Backend>) {
    let flow = |ctx: Ctx, (): ()| -> Flow<(usize, String)> {
        Box::pin(async move {
            let long = async {
                durable::sleep(&ctx, Duration::from_secs(3600)).await?;
                Ok("slept".to_owned())
            };
            let message = async {
                let message = durable::recv(&ctx, "t", Duration::from_secs(3600)).await?;
                Ok(message.unwrap_or_default())
            };
            let operations: [BoxFuture<'_, Result<String>>; 2] =
                [Box::pin(long), Box::pin(message)];
            let (winner, text) = durable::select(operations).await;
            Ok((winner, text?))
        })
    };
    let ctx = process(bench, |ctx| register(ctx, "flow", &flow)).await;
    let handle = durable::run_workflow(&ctx, flow, ()).id("w").await.unwrap();
    durable::send(&ctx, "w", "hello".to_owned())
        .topic("t")
        .await
        .unwrap();
    assert_eq!(handle.get_result().await.unwrap(), (1, "hello".to_owned()));
    stop(&ctx).await;
}

pub(super) async fn all_results_can_be_joined(bench: &Bench<'_, impl Backend>) {
    async fn double(_: Ctx, number: u32) -> Result<u32> {
        Ok(number * 2)
    }
    let parent = |ctx: Ctx, (): ()| -> Flow<Vec<u32>> {
        Box::pin(async move {
            let mut handles = Vec::new();
            for number in 0..5u32 {
                handles.push(durable::run_workflow(&ctx, double, number).await?);
            }
            Ok(durable::join_all(&handles).await?)
        })
    };
    let ctx = process(bench, |ctx| {
        register(ctx, "double", &double);
        register(ctx, "parent", &parent);
    })
    .await;
    let handle = durable::run_workflow(&ctx, parent, ()).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), [0, 2, 4, 6, 8]);
    stop(&ctx).await;
}
