//! What the tests of the engine share: a store of expectations, a clock moved by hand, a log that is kept.
mod clock;
mod journal;
mod log;
mod store;

pub(crate) use clock::HandClock;
pub(crate) use journal::Journal;
pub(crate) use log::Log;
pub(crate) use store::{ready, record, unavailable};

use std::{sync::Arc, time::Duration};

use durable_api::{Ctx, MockSystemStore, Result, run_as_step};
use durable_engine::{Config, new_context};

/// How long the engine pauses between two sweeps; longer than all back-offs together.
pub(crate) const TAKEOVER_INTERVAL: Duration = Duration::from_secs(3_600);

/// A configuration over a store of expectations, on a clock moved by hand.
pub(crate) fn config(store: MockSystemStore, clock: &Arc<HandClock>) -> Config {
    Log::install();
    let clock = Arc::clone(clock);
    Config::new("app", Arc::new(store))
        .app_version("1")
        .executor_id("executor")
        .takeover_interval(TAKEOVER_INTERVAL)
        .heartbeat_interval(TAKEOVER_INTERVAL)
        .lease(3 * TAKEOVER_INTERVAL)
        .queue_interval(TAKEOVER_INTERVAL)
        .schedule_interval(TAKEOVER_INTERVAL)
        .clock(clock)
}

/// A launched context, in which [`greet`] and [`stubborn`] are registered.
pub(crate) async fn launched(store: MockSystemStore, clock: &Arc<HandClock>) -> Ctx {
    let ctx = new_context(config(store, clock)).await.expect("a context");
    register(&ctx);
    durable_api::launch(&ctx).await.expect("launches");
    ctx
}

/// Registers [`greet`] and [`stubborn`].
pub(crate) fn register(ctx: &Ctx) {
    durable_api::register_workflow(ctx, greet).expect("registers");
    durable_api::register_workflow(ctx, stubborn).expect("registers");
}

/// A workflow with one step, `compose`.
pub(crate) async fn greet(ctx: Ctx, name: String) -> Result<String> {
    run_as_step(&ctx, || async { Ok(format!("hello {name}")) })
        .named("compose")
        .await
}

/// As [`greet`], but it calls itself a success whatever its step came to.
pub(crate) async fn stubborn(ctx: Ctx, name: String) -> Result<String> {
    let _ = greet(ctx, name).await;
    Ok("as if nothing had happened".to_owned())
}
