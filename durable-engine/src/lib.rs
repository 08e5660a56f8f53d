//! The engine: everything that happens between a call on a [`Context`](durable_api::Context) and a
//! call on a [`SystemStore`](durable_api::SystemStore).
mod cancellation;
mod clock;
mod config;
mod engine;
mod events;
mod execution;
mod handle;
mod launch;
mod management;
mod messages;
mod names;
mod observe;
mod outage;
mod patching;
mod process;
mod queries;
mod recorded_error;
mod registry;
mod root_context;
mod run;
mod running;
mod shutdown;
mod start;
mod startup;
mod step;
mod streams;
mod takeover;
mod time;
mod transaction;
mod wait;
mod wakeups;
mod workflow_context;

pub use clock::{RandomIds, SystemClock};
pub use config::Config;
pub use startup::new_context;
