//! The engine: everything that happens between a call on a [`Context`](durable_api::Context) and a
//! call on a [`SystemStore`](durable_api::SystemStore).
mod archives;
mod cancellation;
mod client;
mod clock;
mod config;
mod delayed;
mod dequeue;
mod engine;
mod enqueue;
mod events;
mod execution;
mod handle;
mod inbox;
mod interceptor;
mod launch;
mod leases;
mod management;
mod membership;
mod messages;
mod names;
mod observe;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod outage;
mod patching;
mod process;
mod queries;
mod queues;
mod recorded_error;
mod registry;
mod rehearsal;
mod root_context;
mod run;
mod running;
mod schedules;
mod shutdown;
mod start;
mod startup;
mod step;
mod streams;
mod takeover;
mod time;
mod tracing_context;
mod transaction;
mod verify;
mod wait;
mod wakeups;
mod workflow_context;

pub use client::{Client, new_client};
pub use clock::{RandomIds, SystemClock};
pub use config::Config;
pub use interceptor::{Attempt, Interceptor, Wait};
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::OpenTelemetry;
pub use startup::new_context;
pub use tracing_context::TracePropagation;
