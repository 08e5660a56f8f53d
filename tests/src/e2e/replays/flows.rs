//! The workflows that are replayed: one that makes calls of every kind, and one that takes the steps it is told.
use std::time::Duration;

use durable::{Ctx, Error, Failure, Result};
use futures::future::BoxFuture;

use super::super::support::{Counter, Flow, Gate, register};

const LONG: Duration = Duration::from_secs(3_600);

/// Counts the bodies of steps; a value of the context that workflows are registered with.
struct Bodies(Counter);

fn body(ctx: &Ctx) {
    ctx.value::<Bodies>()
        .expect("is registered with one")
        .0
        .up();
}

pub(super) async fn child(ctx: Ctx, input: u32) -> Result<u32> {
    durable::run_as_step(&ctx, || async {
        body(&ctx);
        Ok(input * 10)
    })
    .named("ten times")
    .await
}

/// One of everything: patches, steps side by side, children, races, timeouts, messages, events, streams, queues, failures.
pub(super) async fn mix(ctx: Ctx, input: u32) -> Result<u32> {
    let me = ctx.workflow_id().expect("is a workflow");
    let step = async |name: &'static str| {
        durable::run_as_step(&ctx, || async {
            body(&ctx);
            Ok(input)
        })
        .named(name)
        .await
    };
    if durable::patch(&ctx, "the-new-way").await? {
        step("new").await?;
    }
    let (left, right) = tokio::join!(
        durable::run_as_step(&ctx, || async {
            body(&ctx);
            Ok(1_u32)
        })
        .named("left"),
        durable::run_as_step(&ctx, || async {
            body(&ctx);
            Ok("right".to_owned())
        })
        .named("right"),
    );
    let one = durable::run_workflow(&ctx, child, left?).await?;
    durable::set_event(&ctx, "state", right?).await?;
    // A sleep that loses a race.
    let night: BoxFuture<'_, Result<()>> =
        Box::pin(async { Ok(durable::sleep(&ctx, LONG).await?) });
    let day: BoxFuture<'_, Result<()>> = Box::pin(async { step("day").await.map(drop) });
    durable::select([night, day]).await.1?;
    // A timeout that is not durable, around a receive that is.
    let nothing = durable::recv::<u32>(&ctx, "nothing", LONG);
    let timeout = tokio::time::timeout(Duration::from_millis(30), nothing).await;
    assert!(timeout.is_err());
    durable::send(&ctx, &me, 7_u32).topic("mine").await?;
    let mine = durable::recv::<u32>(&ctx, "mine", LONG).await?;
    let late = durable::recv::<u32>(&ctx, "late", Duration::from_millis(5)).await?;
    assert_eq!((mine, late), (Some(7), None));
    let state = durable::get_event::<String>(&ctx, &me, "state", LONG).await?;
    durable::write_stream(&ctx, "log", state.unwrap_or_default()).await?;
    durable::close_stream(&ctx, "log").await?;
    // Refused, and not recorded.
    let refused = durable::write_stream(&ctx, "log", 1_u32).await;
    assert!(
        matches!(refused, Err(Error::StreamClosed { .. })),
        "{refused:?}"
    );
    durable::sleep(&ctx, Duration::from_millis(5)).await?;
    durable::now(&ctx).await?;
    durable::random_uuid(&ctx).await?;
    let queued = durable::enqueue(&ctx, "line", child, 2_u32).await?;
    let failed = durable::run_as_step(&ctx, || async {
        body(&ctx);
        Err::<u32, _>(Failure::msg("never").with_code("never"))
    })
    .named("fails")
    .await;
    assert_eq!(failed.unwrap_err().code(), Some("never"));
    let sum = one.get_result().await? + queued.get_result().await?;
    step("last").await.map(|last| sum + last)
}

/// What it comes to for an input of 1.
pub(super) const RESULT: u32 = 31;

pub(super) fn registered(ctx: &Ctx, bodies: &Counter) {
    let ctx = ctx.with_value(Bodies(bodies.clone()));
    register(&ctx, "mix", &mix);
    register(&ctx, "child", &child);
}

/// A workflow that takes these steps, stands still at the gate, and returns its input. A `sleep` is one, and a `child` is one.
pub(super) fn steps(
    names: &'static [&'static str],
    arrived: &Counter,
    gate: &Gate,
) -> impl Fn(Ctx, u32) -> Flow<u32> + Clone + Send + Sync + 'static {
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, input| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            for name in names {
                match *name {
                    "sleep" => durable::sleep(&ctx, Duration::from_millis(1)).await?,
                    "child" => drop(durable::run_workflow(&ctx, child, 1_u32).await?),
                    "patch" => drop(durable::patch(&ctx, "patched").await?),
                    name => {
                        let step = durable::run_as_step(&ctx, || async { Ok(input) });
                        step.named(name).await?;
                    }
                }
            }
            arrived.up();
            gate.pass().await;
            Ok(input)
        })
    }
}
