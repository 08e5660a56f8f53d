//! Deterministic simulation: several engines over one store, on one thread, in virtual time, and one seed for all that may go one way or the other.
//!
//! Each engine has a computer of its own, with a clock that is off, drifts and is set, and a line to the store on which calls are slow, refused, carried out and not
//! answered, or lost, as are hints. Computers die and come back as the same executor or another one, stand still for longer than a lease and go on, end in order, and are
//! cut off from the store; the store is away for a while. After every change the promises that hold for all workflows are checked on what is stored: an execution that
//! lost its workflow writes nothing, owners never come back, checkpoints and outcomes never change, and no queue runs or starts more than its limits say. When the faults
//! have ended, everything must come to its end within bounded time. The same seed makes the same run, event by event.
//!
//! ```
//! use std::time::Duration;
//! use durable_api::{Ctx, Result, enqueue_named, register_queue, register_workflow_with, run_as_step, RegisterOptions};
//! use durable_testing::simulation::Simulation;
//!
//! async fn order(ctx: Ctx, cents: u64) -> Result<u64> {
//!     let fee = run_as_step(&ctx, async || Ok(30)).await?;
//!     durable_api::sleep(&ctx, Duration::from_secs(2)).await?;
//!     run_as_step(&ctx, async || Ok(cents + fee)).await
//! }
//!
//! Simulation::new(7)
//!     .set_up(|ctx| register_workflow_with(ctx, order, RegisterOptions::new().named("order")))
//!     .scenario(async |outside| {
//!         register_queue(outside.client(), "orders").concurrency(1).await.expect("a queue");
//!         for cents in 0..3 {
//!             let order = enqueue_named::<u64>(outside.client(), "orders", "order", cents);
//!             let order = order.await.expect("it is accepted");
//!             assert_eq!(order.get_result().await.expect("a result"), cents + 30);
//!         }
//!     })
//!     .run()
//!     .assert_kept();
//! ```
mod builder;
mod checks;
mod clock;
mod fleet;
mod host;
mod mayhem;
mod outside;
mod report;
mod run;
mod stage;
mod timeline;
mod trace;
mod view;
mod watch;
mod weather;
mod wire;

pub use builder::Simulation;
pub use host::Host;
pub use outside::Outside;
pub use report::SimulationReport;

pub use trace::{Event, Trace};
pub use view::View;

/// The application of all engines.
pub(crate) const APP: &str = "simulation";
