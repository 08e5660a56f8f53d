use std::time::Duration;

use crate::{Timestamp, store::QueueRecord};

/// How a workflow waits in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueOptions {
    /// The queue.
    pub queue: String,
    /// The application; the caller's own, if `None`.
    pub app: Option<String>,
    /// The version; the caller's own if it runs the workflow, or else none, if `None`.
    pub version: Option<String>,
    /// Those with a lower number are taken first.
    pub priority: i32,
    /// What keeps a second one out of the queue until this has ended.
    pub deduplication_id: Option<String>,
    /// What to answer when it does.
    pub on_duplicate: OnDuplicate,
    /// The partition of the queue.
    pub partition_key: Option<String>,
    /// How long it waits before it enters the queue.
    pub delay: Option<Duration>,
    /// How it may replace the input of one that is still delayed.
    pub debounce: Option<DebounceOptions>,
}

impl QueueOptions {
    /// In `queue`, and nothing else.
    pub fn new(queue: impl Into<String>) -> Self {
        Self {
            queue: queue.into(),
            app: None,
            version: None,
            priority: 0,
            deduplication_id: None,
            on_duplicate: OnDuplicate::default(),
            partition_key: None,
            delay: None,
            debounce: None,
        }
    }
}

/// How calls push one delayed start back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebounceOptions {
    /// Which calls belong together.
    pub key: String,
    /// How long after the first call the start comes at the latest; never, if `None`.
    pub cap: Option<Duration>,
}

/// What to do when the queue holds a workflow of the same deduplication id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDuplicate {
    /// Report [`Error::Duplicate`](crate::Error::Duplicate).
    #[default]
    Reject,
    /// Return a handle on the workflow that is there.
    ReturnExisting,
}

/// A request to store a queue's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisterQueue {
    /// The queue. Its `app` is the caller's to leave empty: the engine's own counts.
    pub queue: QueueRecord,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl RegisterQueue {
    /// A request.
    pub fn new(queue: QueueRecord, step_id: Option<u32>) -> Self {
        Self { queue, step_id }
    }
}

/// A request about a queue or a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Named {
    /// Its name.
    pub name: String,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl Named {
    /// A request.
    pub fn new(name: impl Into<String>, step_id: Option<u32>) -> Self {
        Self {
            name: name.into(),
            step_id,
        }
    }
}

/// A request to change how long a workflow is delayed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetDelay {
    /// The workflow.
    pub workflow_id: String,
    /// From now.
    pub delay: Duration,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl SetDelay {
    /// A request.
    pub fn new(workflow_id: String, delay: Duration, step_id: Option<u32>) -> Self {
        Self {
            workflow_id,
            delay,
            step_id,
        }
    }
}

/// A request to run what a schedule would have run between two times.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backfill {
    /// The schedule.
    pub name: String,
    /// Ticks at this time or later.
    pub from: Timestamp,
    /// Ticks before this time.
    pub before: Timestamp,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl Backfill {
    /// A request.
    pub fn new(name: String, from: Timestamp, before: Timestamp, step_id: Option<u32>) -> Self {
        Self {
            name,
            from,
            before,
            step_id,
        }
    }
}
