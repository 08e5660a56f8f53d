//! Durable workflows as a library, over the store you choose.
//!
//! You write ordinary async functions. A **workflow** takes a [`Ctx`] and one input; inside it,
//! [`run_as_step`] runs a piece of work and records what it came to. When the process dies, the workflow goes on
//! from its last recorded step: in the next process, or in another one that shares the store.
//!
//! # A program
//!
//! ```
//! use std::time::Duration;
//! use durable::{Config, Ctx, Result};
//!
//! // A workflow with one step.
//! async fn example_workflow(ctx: Ctx, _input: String) -> Result<String> {
//!     durable::run_as_step(&ctx, step).await
//! }
//!
//! async fn step() -> Result<String> {
//!     Ok("Step completed".into())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let store = durable::connect("memory:").await?;
//!     let ctx = durable::new_context(Config::new("rust-starter", store)).await?;
//!     durable::register_workflow(&ctx, example_workflow)?;
//!     durable::launch(&ctx).await?;
//!
//!     let handle = durable::run_workflow(&ctx, example_workflow, "some-input").await?;
//!     assert_eq!(handle.get_result().await?, "Step completed");
//!     durable::shutdown(&ctx, Duration::from_secs(10)).await?;
//!     Ok(())
//! }
//! ```
//!
//! # What is guaranteed
//!
//! - A step's **outcome is recorded once**, and every replay receives that record. Its **body may run more than
//!   once**: a crash can come after the body and before the record. Make bodies repeatable, or give
//!   [`StepContext::idempotency_key`] to the service they call. What [`run_as_transaction`] writes is written once.
//! - A workflow that was accepted ends with one outcome, whatever dies in between, up to a limit of recoveries
//!   ([`RegisterOptions::max_recovery_attempts`]).
//! - Only one execution of a workflow can write. One that was taken over (its process stood still, say) is refused by the
//!   store, not by anybody's clock or memory.
//! - The code of a workflow must be **deterministic**: between durable calls it may compute, but what comes from
//!   outside (time, randomness, the network) comes from steps. A replay that calls another step than
//!   the recorded one is an [`Error::UnexpectedStep`], and the workflow stays recoverable.
//!
//! # Steps
//!
//! A step is any `Fn() -> impl Future<Output = Result<T>>`, and may borrow from the workflow. Options come before
//! the await:
//!
//! ```
//! use std::time::Duration;
//! use durable::{Ctx, Failure, Result, RetryPolicy, StepContext};
//! # async fn call_bank(_key: &str, _cents: u64) -> std::io::Result<String> { Ok(String::new()) }
//!
//! async fn pay(ctx: Ctx, cents: u64) -> Result<String> {
//!     let receipt = durable::run_as_step(&ctx, |step: StepContext| async move {
//!         if cents == 0 {
//!             return Err(Failure::permanent("nothing to pay").with_code("empty"));
//!         }
//!         Ok(call_bank(&step.idempotency_key(), cents).await?)
//!     })
//!     .named("charge")
//!     .retry(RetryPolicy::new(5).base(Duration::from_millis(200)))
//!     .timeout(Duration::from_secs(30))
//!     .await?;
//!     Ok(receipt)
//! }
//! ```
//!
//! [`run_as_transaction`] is a step that writes to your own tables in the store's Postgres or SQLite: its writes and its record are one
//! commit, so they happen exactly once.
//!
//! Steps may run side by side under `tokio::join!`, one durable call a branch: a step takes its number when [`run_as_step`] is called, not when
//! it is polled. Durable calls belong to the workflow's own task; one made from a spawned task is an error.
//!
//! # Children and handles
//!
//! [`run_workflow`] inside a workflow starts a child, recorded in the same commit as the parent's step. Its handle's
//! [`get_result`](WorkflowHandle::get_result) is a recorded step as well:
//!
//! ```
//! use durable::{Ctx, Result};
//!
//! async fn order(ctx: Ctx, items: Vec<String>) -> Result<Vec<String>> {
//!     let mut shipments = Vec::new();
//!     for item in items {
//!         shipments.push(durable::run_workflow(&ctx, ship, item).await?);
//!     }
//!     let mut labels = Vec::new();
//!     for shipment in &shipments {
//!         labels.push(shipment.get_result().await?);
//!     }
//!     Ok(labels)
//! }
//!
//! async fn ship(_ctx: Ctx, item: String) -> Result<String> {
//!     Ok(format!("label for {item}"))
//! }
//! ```
//!
//! # Ids
//!
//! `run_workflow(&ctx, order, items).id("order-7")` makes a request repeatable: the same id again is a handle on the
//! first run. From anywhere, [`retrieve_workflow`] gives a handle by id.
//!
//! # Stores
//!
//! [`connect`] opens a store by URL; the program is the same on each. `durable`'s default features are `memory` and `sqlite`;
//! `postgres` and `redis` are features too. Unit tests use `memory:`, or no store at all: with the feature `mock`,
//! `MockContext` stands in for the engine (`Ctx::new(mock)`).
mod connect;

pub use connect::connect;
pub use durable_api::{
    AwaitResult, Caller, Canceller, Clock, CodecError, Context, CreateSchedule, Ctx,
    DivergenceReason, Durable, DynStep, Encoding, EnqueueWorkflow, Error, Failure, ForkFrom,
    ForkWorkflow, Forks, FunctionId, GetResult, Handle, INTERNAL_QUEUE, IdSource, Instance,
    IntoInput, Method, OnDuplicate, Payload, QueueBuilder, ReadyHandle, RegisterOptions,
    Registration, ReplayDivergence, ReplayReport, Result, RetryPolicy, RunStep, RunTransaction,
    RunWorkflow, Schedule, SendMessage, ShutdownReport, Step, StepContext, StepFn, StepOptions,
    SystemStore, Timestamp, Value, VerifyReplay, Workflow, WorkflowHandle, WorkflowStatus,
    aggregate_workflows, apply_schedules, backfill_schedule, cancel_all, cancel_workflow,
    cancel_workflows, close_stream, create_schedule, debounce, delete_finished, delete_queue,
    delete_schedule, delete_workflow, delete_workflows, deprecate_patch, enqueue, enqueue_many,
    enqueue_named, export_workflow, fork_workflow, fork_workflows, get_event, import_workflow,
    join_all, launch, list_queues, list_schedules, list_steps, list_versions, list_workflows,
    method, now, patch, pause_schedule, random_uuid, read_stream, recv, register_queue,
    register_workflow, register_workflow_with, registered_workflows, requests, resume_schedule,
    resume_workflow, resume_workflows, retrieve_workflow, run_as_step, run_as_transaction,
    run_workflow, select, send, serve_queues, set_attributes, set_delay, set_event,
    set_latest_version, shutdown, sleep, store, trigger_schedule, verify_replay, write_stream,
};
#[cfg(feature = "mock")]
pub use durable_api::{MockContext, MockHandle, MockSystemStore};
#[cfg(feature = "opentelemetry")]
pub use durable_engine::OpenTelemetry;
pub use durable_engine::{
    Client, Config, RandomIds, SystemClock, TracePropagation, new_client, new_context,
};

/// What the Postgres store has of its own: building it by options, the transactions and other databases of [`run_as_transaction`].
///
/// The driver is `sqlx` 0.9: a program that makes its own statements depends on it, too.
#[cfg(feature = "postgres")]
pub mod postgres {
    pub use store_postgres::{
        PgConnection, PgDataSource, PgPool, PgTransaction, PostgresOptions, PostgresStore,
    };
}

/// What the SQLite store has of its own: building it by options, the transactions and other files of [`run_as_transaction`].
///
/// The driver is `sqlx` 0.9: a program that makes its own statements depends on it, too.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use store_sqlite::{
        CommitStatistics, Durability, SqliteConnection, SqliteDataSource, SqliteOptions,
        SqlitePool, SqliteStore, SqliteTransaction,
    };
}

/// What the Redis store has of its own: building it by options, and what its server's configuration makes of a crash.
#[cfg(feature = "redis")]
pub mod redis {
    pub use store_redis::{EvictionPolicy, FsyncPolicy, RedisDurability, RedisOptions, RedisStore};
}

/// What the memory store has of its own: building it by options.
#[cfg(feature = "memory")]
pub mod memory {
    pub use store_memory::{MemoryOptions, MemoryStore};
}

/// The guides, so that their code is compiled and run with the tests.
#[cfg(doctest)]
mod guides {
    #[cfg(feature = "postgres")]
    #[doc = include_str!("../../docs/communication.md")]
    mod communication {}
    #[doc = include_str!("../../docs/management.md")]
    mod management {}
    #[doc = include_str!("../../docs/queues.md")]
    mod queues {}
    #[doc = include_str!("../../docs/schedules.md")]
    mod schedules {}
    #[cfg(feature = "opentelemetry")]
    #[doc = include_str!("../../docs/observing.md")]
    mod observing {}
    #[doc = include_str!("../../docs/operating.md")]
    mod operating {}
    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    #[doc = include_str!("../../docs/steps.md")]
    mod steps {}
    #[cfg(feature = "mock")]
    #[doc = include_str!("../../docs/testing.md")]
    mod testing {}
    #[doc = include_str!("../../docs/time-and-cancellation.md")]
    mod time_and_cancellation {}
    #[doc = include_str!("../../docs/workflows.md")]
    mod workflows {}
}
