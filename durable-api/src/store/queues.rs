use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    ClaimableWorkflow, ClaimedWorkflow, DamagedWorkflow, Owner, StoreResult, WorkflowRecord,
};
use crate::{Timestamp, WorkflowStatus};

/// How a workflow waits in a queue until an executor takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enqueue {
    /// The queue. One without a stored configuration has no limits.
    pub queue: String,
    /// Those with a lower number are taken first; among equals, those that were accepted first.
    pub priority: i32,
    /// While a workflow of this queue with this id has not ended, no second one is accepted.
    pub deduplication_id: Option<String>,
    /// To which partition of the queue it belongs.
    pub partition_key: Option<String>,
    /// Keeps it `DELAYED` until then.
    pub delayed_until: Option<Timestamp>,
    /// Lets it replace the input of one that is still `DELAYED`.
    pub debounce: Option<Debounce>,
    /// How long it may take, from when it is taken.
    pub timeout: Option<Duration>,
}

impl Enqueue {
    /// In `queue`, with priority 0 and nothing else.
    pub fn new(queue: impl Into<String>) -> Self {
        Self {
            queue: queue.into(),
            priority: 0,
            deduplication_id: None,
            partition_key: None,
            delayed_until: None,
            debounce: None,
            timeout: None,
        }
    }
}

/// Pushing a delayed start back instead of accepting a second workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Debounce {
    /// Identifies the workflow to push back, among the `DELAYED` ones of the same application and name.
    pub key: String,
    /// The start is never pushed back beyond this; that of the workflow that is pushed back counts.
    pub at_most_until: Timestamp,
}

impl Debounce {
    /// By `key`, at most until then.
    pub fn new(key: impl Into<String>, at_most_until: Timestamp) -> Self {
        Self {
            key: key.into(),
            at_most_until,
        }
    }
}

/// So many starts in any stretch of time of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many.
    pub starts: u32,
    /// In how many milliseconds.
    pub period_millis: u64,
}

impl RateLimit {
    /// `starts` in any stretch of `period` (in whole milliseconds).
    pub fn new(starts: u32, period: Duration) -> Self {
        Self {
            starts,
            period_millis: u64::try_from(period.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// How much may go on at once, and how much may start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Limits {
    /// How many may be `PENDING` at once, whoever runs them.
    pub concurrency: Option<u32>,
    /// How many may be `PENDING` at once that one executor owns.
    pub executor_concurrency: Option<u32>,
    /// How many may be taken in a stretch of time.
    pub rate: Option<RateLimit>,
}

/// A queue as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueueRecord {
    /// The application.
    pub app: String,
    /// Its name, unique in the application.
    pub name: String,
    /// What holds for the queue as a whole.
    #[serde(default)]
    pub limits: Limits,
    /// What holds for each partition besides. Workflows without partition key are one partition.
    #[serde(default)]
    pub partition_limits: Limits,
    /// The weights of partitions; 1, unless it is set.
    #[serde(default)]
    pub weights: BTreeMap<String, u32>,
}

impl QueueRecord {
    /// A queue without limits.
    pub fn new(app: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            name: name.into(),
            limits: Limits::default(),
            partition_limits: Limits::default(),
            weights: BTreeMap::new(),
        }
    }
}

/// Answer to [`delete_queue`](QueueStore::delete_queue).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteQueueOutcome {
    /// The configuration is gone, or there was none.
    Deleted,
    /// Workflows wait in it, or run from it; whether it has a configuration or not. Nothing changed.
    InUse,
}

/// A request to take workflows from queues.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DequeueWorkflows {
    /// Of this application.
    pub app: String,
    /// Of this version.
    pub version: String,
    /// Whether workflows without a version are wanted as well.
    pub unversioned: bool,
    /// With one of these names.
    pub workflows: Vec<ClaimableWorkflow>,
    /// From these queues; `None` for all.
    pub queues: Option<Vec<String>>,
    /// The executor that takes them.
    pub executor_id: String,
    /// The execution token that they get. Fresh for each request but the repetition of one.
    pub owner: Owner,
    /// How many at most.
    pub limit: u32,
    /// The present time.
    pub now: Timestamp,
}

impl DequeueWorkflows {
    /// A request for versioned work of all queues, a hundred at most.
    pub fn new(
        app: impl Into<String>,
        version: impl Into<String>,
        workflows: Vec<ClaimableWorkflow>,
        owner: Owner,
        now: Timestamp,
    ) -> Self {
        Self {
            app: app.into(),
            version: version.into(),
            unversioned: false,
            workflows,
            queues: None,
            executor_id: owner.incarnation.to_string(),
            owner,
            limit: 100,
            now,
        }
    }
}

/// Answer to [`dequeue_workflows`](QueueStore::dequeue_workflows).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DequeuedWorkflows {
    /// Now `PENDING` and owned by the caller, in the order in which they were due.
    pub taken: Vec<ClaimedWorkflow>,
    /// Not readable; left as they were, for somebody to mend. They hold nobody up.
    pub damaged: Vec<DamagedWorkflow>,
    /// Whether asking again at once may give more: the request's limit was reached, not the queues'.
    pub more: bool,
    /// Whether something waits that a limit on how many run at once holds back, so that it may start when another ends. May be told where there is
    /// none: who comes in vain has asked once more.
    pub held: bool,
    /// When a rate limit will let the next one start, if one is in the way; the earliest of them. It may turn out that there was nothing for the caller.
    pub retry_at: Option<Timestamp>,
}

impl DequeuedWorkflows {
    /// Nothing taken.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A request to let workflows wait in their queues whose delay is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseDelayed {
    /// Of this application.
    pub app: String,
    /// At most so many.
    pub limit: u32,
    /// The present time.
    pub now: Timestamp,
}

impl ReleaseDelayed {
    /// A request for a thousand at most.
    pub fn new(app: impl Into<String>, now: Timestamp) -> Self {
        Self {
            app: app.into(),
            limit: 1_000,
            now,
        }
    }
}

/// Answer to [`release_delayed`](QueueStore::release_delayed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseOutcome {
    /// How many are `ENQUEUED` now.
    pub released: u32,
    /// When the next of those that are still `DELAYED` is due; in the past, if the limit was reached.
    pub next: Option<Timestamp>,
}

impl ReleaseOutcome {
    /// An answer.
    pub fn new(released: u32, next: Option<Timestamp>) -> Self {
        Self { released, next }
    }
}

/// A request to change when a delayed workflow is due.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetDelay {
    /// The workflow.
    pub workflow_id: String,
    /// When it is due. A time that has come makes it due at once.
    pub until: Timestamp,
    /// The present time.
    pub now: Timestamp,
}

impl SetDelay {
    /// A request.
    pub fn new(workflow_id: impl Into<String>, until: Timestamp, now: Timestamp) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            until,
            now,
        }
    }
}

/// Answer to [`set_delay`](QueueStore::set_delay).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetDelayOutcome {
    /// It is `DELAYED` until then.
    Set,
    /// It is in this status, not `DELAYED`. Nothing changed.
    NotDelayed(WorkflowStatus),
    /// There is no such workflow.
    UnknownWorkflow,
}

/// Queues.
///
/// A workflow that was accepted into a queue keeps it for life. While nobody owns it and it has not ended, it is `ENQUEUED` or
/// `DELAYED`, never `PENDING`: when its executor retires or is lost, it goes back into its queue, with its old place there.
#[async_trait]
pub trait QueueStore: Debug + Send + Sync + 'static {
    /// Stores a queue's configuration, in place of the one it had. It holds from now on.
    async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()>;

    /// Removes a queue's configuration, if no workflow that has not ended belongs to the queue.
    async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome>;

    /// The queues of an application that have a configuration, by name.
    async fn list_queues(&self, app: &str) -> StoreResult<Vec<QueueRecord>>;

    /// Takes `ENQUEUED` workflows: they become `PENDING`, owned by the caller and started `now`, with their deadline `timeout` from now (or
    /// as it was, if that is earlier) unless they were taken before. Workflows that carry the request's owner already, from a call
    /// whose answer was lost, are returned as they are. For an executor that is not registered, nothing is taken or returned.
    ///
    /// Within a queue, in the order of priority, and of acceptance among equals. Partitions take turns: of two that have work waiting, the one that was
    /// served longer ago (or never) comes first, each turn being as many workflows as its weight says; so whoever has much waiting does not hold up others. (One in which nothing waits or runs may be forgotten, and is one
    /// that was never served when it comes back.) A workflow that a
    /// limit of its partition holds back holds up nobody outside the partition; nor does one that the caller has not registered, or that is of another version. Between queues the order is open, but
    /// none starves.
    ///
    /// The [`Limits`] hold at every instant, however many callers race. Concurrency counts the `PENDING` workflows of the queue (of the partition; of those, the ones whose owner is of
    /// the caller's incarnation). A rate counts what was taken, also what has ended or was deleted since, in the `period_millis` before the request's `now` or, if that is later, before
    /// the latest start that is recorded: callers whose clocks differ never exceed it together.
    async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows>;

    /// Makes `DELAYED` workflows that are due `ENQUEUED`, those due first first.
    async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome>;

    /// Changes when a `DELAYED` workflow is due. It stays `DELAYED` until it is released.
    async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome>;
}

impl QueueRecord {
    /// The weight of a partition, at least 1.
    pub fn weight(&self, partition: Option<&str>) -> u32 {
        let set = partition.and_then(|key| self.weights.get(key));
        set.copied().unwrap_or(1).max(1)
    }

    /// Whether nothing but the order of the queue decides what is taken from it.
    pub fn is_unlimited(&self) -> bool {
        self.limits == Limits::default() && self.partition_limits == Limits::default()
    }
}

impl WorkflowRecord {
    /// Whether this record waits for its turn or its time.
    pub fn is_waiting(&self) -> bool {
        matches!(
            self.status,
            WorkflowStatus::Enqueued | WorkflowStatus::Delayed
        )
    }
}
