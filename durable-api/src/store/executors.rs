use std::fmt::Debug;

use async_trait::async_trait;

use super::{Incarnation, Owner, StoreResult};
use crate::Timestamp;

/// An executor comes to life.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisterExecutor {
    /// The application it runs.
    pub app: String,
    /// Its name: chosen by the user, or random.
    pub executor_id: String,
    /// Its life, fresh.
    pub incarnation: Incarnation,
    /// The application version it runs.
    pub version: String,
    /// Identifies machine, boot and process namespace, where the platform tells.
    pub host: Option<String>,
    /// Identifies the process on that host.
    pub process: Option<String>,
    /// The present time.
    pub now: Timestamp,
}

impl RegisterExecutor {
    /// A request without host and process.
    pub fn new(
        app: impl Into<String>,
        executor_id: impl Into<String>,
        incarnation: Incarnation,
        version: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            app: app.into(),
            executor_id: executor_id.into(),
            incarnation,
            version: version.into(),
            host: None,
            process: None,
            now,
        }
    }
}

/// Answer to [`register_executor`](ExecutorStore::register_executor).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RegisterOutcome {
    /// Earlier lives of the same executor id that were still registered, and are not any more. The repetition of a call may leave them out.
    pub superseded: Vec<Incarnation>,
}

impl RegisterOutcome {
    /// An answer.
    pub fn new(superseded: Vec<Incarnation>) -> Self {
        Self { superseded }
    }
}

/// A registered executor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutorRecord {
    /// The application it runs.
    pub app: String,
    /// Its name.
    pub executor_id: String,
    /// Its life.
    pub incarnation: Incarnation,
    /// The application version it runs.
    pub version: String,
    /// Identifies machine, boot and process namespace, where known.
    pub host: Option<String>,
    /// Identifies the process on that host, where known.
    pub process: Option<String>,
    /// Counts heartbeats. Liveness is judged by whether this moves, on the watcher's own clock.
    pub beat: u64,
    /// When it registered, by its own clock.
    pub registered_at: Timestamp,
}

impl ExecutorRecord {
    /// The record that a registration makes: no heartbeat yet.
    pub fn registered(request: RegisterExecutor) -> Self {
        Self {
            app: request.app,
            executor_id: request.executor_id,
            incarnation: request.incarnation,
            version: request.version,
            host: request.host,
            process: request.process,
            beat: 0,
            registered_at: request.now,
        }
    }
}

/// Answer to [`heartbeat`](ExecutorStore::heartbeat).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatOutcome {
    /// The executor is registered; its beat moved.
    Alive,
    /// The executor is not registered: it was expelled, superseded or retired.
    Unknown,
}

/// A request to declare an executor dead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpelExecutor {
    /// Who.
    pub incarnation: Incarnation,
    /// The beat at which it was last seen. One that has moved since is alive, and is not expelled.
    pub beat: u64,
}

impl ExpelExecutor {
    /// A request.
    pub fn new(incarnation: Incarnation, beat: u64) -> Self {
        Self { incarnation, beat }
    }
}

/// Answer to [`expel_executor`](ExecutorStore::expel_executor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpelOutcome {
    /// It is not registered: by this call, or before it.
    Expelled,
    /// It has beaten since, and stays.
    Alive,
}

/// Answer to [`retire_executor`](ExecutorStore::retire_executor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetireOutcome {
    /// How many unfinished workflows were handed back.
    pub released: u64,
}

impl RetireOutcome {
    /// An answer.
    pub fn new(released: u64) -> Self {
        Self { released }
    }
}

/// Which executors live.
///
/// A `PENDING` workflow whose owner is not a registered executor is *orphaned*: any executor of its
/// application and version may [claim](super::WorkflowStore::claim_workflows) it.
#[async_trait]
pub trait ExecutorStore: Debug + Send + Sync + 'static {
    /// Registers an incarnation, and removes all others of the same application and executor id.
    /// Repeating it for a registered incarnation changes nothing, its beat neither.
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome>;

    /// Moves the executor's beat on by one.
    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome>;

    /// Puts an end to the requests of an executor to [claim](super::WorkflowStore::claim_workflows) and to
    /// [dequeue](super::QueueStore::dequeue_workflows) whose execution is this one or an earlier one: from now on none of them takes anything,
    /// however late it comes. One that comes after this is answered with what its owner has.
    ///
    /// Who repeats such a request after an error settles it first: its answer is complete then, also if the server carries out an earlier
    /// attempt later. For an executor that is not registered, nothing happens.
    async fn settle(&self, owner: Owner) -> StoreResult<()>;

    /// All registered executors of an application, by executor id.
    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>>;

    /// Removes an executor whose beat has not moved. Its workflows are then orphaned.
    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome>;

    /// Removes an executor that ends in order, and hands its `PENDING` workflows back: they lose
    /// their owner, and taking them up again is not counted as a recovery attempt. Those that came from a queue are `ENQUEUED` again.
    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome>;
}
