//! For people who test: their workflows, with time that skips and a crash at every point (feature `kit`, on by default), and their stores, by the
//! behaviour that every store must show, or by operations made from a seed that all stores answer alike ([`differential`]).
//!
//! [`TestEnv`] is the real engine over a store in memory, or any other:
//!
#![cfg_attr(feature = "kit", doc = "```")]
#![cfg_attr(not(feature = "kit"), doc = "```ignore")]
//! use std::time::Duration;
//! use durable_api::{Ctx, Result, sleep};
//! use durable_testing::TestEnv;
//!
//! async fn patient(ctx: Ctx, days: u64) -> Result<u64> {
//!     sleep(&ctx, Duration::from_secs(days * 86_400)).await?;
//!     Ok(days)
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let env = TestEnv::new().await?;
//! env.register(patient)?;
//! let run = env.start(patient, 30u64).await?;
//! assert_eq!(run.result().await?, 30);
//! # Ok(())
//! # }
//! ```
pub mod conformance;
pub mod differential;
pub mod faults;
#[cfg(feature = "kit")]
mod kit;
#[cfg(feature = "kit")]
pub mod simulation;

pub use conformance::{Backend, Bench};
pub use faults::{Call, Fault, FaultPlan, FaultyStore};
#[cfg(feature = "kit")]
pub use kit::{
    Broken, Ending, History, HistoryStep, MockStep, Report, StartRun, TestEnv, TestEnvBuilder,
    TestRun, Trial, WaitFor, crash_points, crash_points_of, zombies, zombies_of,
};

#[doc(hidden)]
pub use tokio;
