use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreResult;
use crate::{Timestamp, WorkflowStatus};

/// What a request about many workflows did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkOutcome {
    /// The workflows that changed, children included; sorted.
    pub changed: Vec<String>,
    /// Workflows of the request that stay as they were, and their status; sorted.
    pub unchanged: Vec<(String, WorkflowStatus)>,
    /// Ids of the request that belong to no workflow; sorted.
    pub unknown: Vec<String>,
}

impl BulkOutcome {
    /// Nothing was done.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A request to cancel workflows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelWorkflows {
    /// Which.
    pub ids: Vec<String>,
    /// Whether to cancel their children as well, and theirs.
    pub children: bool,
    /// The present time.
    pub now: Timestamp,
}

impl CancelWorkflows {
    /// A request without children.
    pub fn new(ids: Vec<String>, now: Timestamp) -> Self {
        Self {
            ids,
            children: false,
            now,
        }
    }
}

/// A request to cancel what is over its deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelExpired {
    /// Of this application.
    pub app: String,
    /// At most so many.
    pub limit: u32,
    /// The present time.
    pub now: Timestamp,
}

impl CancelExpired {
    /// A request for a hundred at most.
    pub fn new(app: impl Into<String>, now: Timestamp) -> Self {
        Self {
            app: app.into(),
            limit: 100,
            now,
        }
    }
}

/// A request to resume workflows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeWorkflows {
    /// Which.
    pub ids: Vec<String>,
    /// The queue that they are in from now on; `None` leaves each where it is.
    pub queue: Option<String>,
    /// The present time.
    pub now: Timestamp,
}

impl ResumeWorkflows {
    /// A request.
    pub fn new(ids: Vec<String>, now: Timestamp) -> Self {
        Self {
            ids,
            queue: None,
            now,
        }
    }
}

/// A request to make a new workflow out of the first steps of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForkWorkflow {
    /// The workflow to copy from.
    pub source: String,
    /// The new workflow's id.
    pub id: String,
    /// The first step that the new workflow runs itself; those before it are copied.
    pub from_step: u32,
    /// The new workflow's version, if it is not the source's.
    pub version: Option<String>,
    /// The queue in which the new workflow waits; `None` for none, whatever the source's is.
    pub queue: Option<String>,
    /// The present time.
    pub now: Timestamp,
}

impl ForkWorkflow {
    /// A request that keeps the version.
    pub fn new(
        source: impl Into<String>,
        id: impl Into<String>,
        from_step: u32,
        now: Timestamp,
    ) -> Self {
        Self {
            source: source.into(),
            id: id.into(),
            from_step,
            version: None,
            queue: None,
            now,
        }
    }
}

/// Answer to one fork of [`fork_workflows`](ManagementStore::fork_workflows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkOutcome {
    /// The new workflow exists, by this call or an earlier one with the same source and id.
    Forked,
    /// There is no such source. Nothing was written for it.
    UnknownSource,
    /// The id belongs to a workflow that is not a fork of this source. Nothing was written for it.
    Conflict,
}

/// A request to delete workflows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteWorkflows {
    /// Which.
    pub ids: Vec<String>,
    /// Whether to delete their children as well, and theirs.
    pub children: bool,
}

impl DeleteWorkflows {
    /// A request without children.
    pub fn new(ids: Vec<String>) -> Self {
        Self {
            ids,
            children: false,
        }
    }
}

/// A request to delete workflows that ended long ago. Conditions are combined by *and*; without any, nothing is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteFinished {
    /// Of this application.
    pub app: String,
    /// Those that ended before this time.
    pub completed_before: Option<Timestamp>,
    /// Those beyond the latest so many, by time of completion and then by id.
    pub keep_latest: Option<u64>,
    /// At most so many in this call.
    pub limit: u32,
}

impl DeleteFinished {
    /// A request without conditions.
    pub fn new(app: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            completed_before: None,
            keep_latest: None,
            limit: 1_000,
        }
    }
}

/// A request to replace a workflow's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAttributes {
    /// The workflow.
    pub workflow_id: String,
    /// The new attributes.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The present time.
    pub now: Timestamp,
}

impl SetAttributes {
    /// A request.
    pub fn new(
        workflow_id: impl Into<String>,
        attributes: serde_json::Map<String, serde_json::Value>,
        now: Timestamp,
    ) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            attributes,
            now,
        }
    }
}

/// Answer to [`set_attributes`](ManagementStore::set_attributes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetAttributesOutcome {
    /// The attributes are these.
    Set,
    /// There is no such workflow.
    UnknownWorkflow,
}

/// Changing workflows from outside their execution. Each call is one transaction.
#[async_trait]
pub trait ManagementStore: Debug + Send + Sync + 'static {
    /// Ends workflows that are not in a final status, as `CANCELLED` and completed `now`. They lose their owner, so whoever runs them can
    /// write no more.
    async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome>;

    /// Cancels `PENDING` workflows whose deadline is `now` or earlier, the earliest first, and returns their ids.
    async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>>;

    /// Makes workflows that are `CANCELLED` or `MAX_RECOVERY_ATTEMPTS_EXCEEDED` `PENDING` again, or `ENQUEUED` if they have a queue, without owner (so that any
    /// executor may take them up at no attempt's cost), outcome, completion, deadline and timeout, and with no recovery attempts. Others are unchanged. One whose deduplication id
    /// another workflow of the queue has by now, loses it.
    async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome>;

    /// Makes new workflows out of the first steps of others: `PENDING`, or `ENQUEUED` if the request names a queue, without owner, parent, deadline, recovery attempts and all that the source had of its queue and schedule; with application, name,
    /// version, input, attributes and caller of the source, whose id is their `forked_from`; with the steps before `from_step`, the events
    /// as they stood after those steps, and the values of streams that those steps wrote (closed, if one of them closed it).
    /// The answers stand in the order of the requests; all are one transaction. The id is judged before the source.
    async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>>;

    /// Deletes workflows, in any status, with all that belongs to them: checkpoints, messages, events, streams. `changed` names the
    /// deleted ones; none is `unchanged`.
    async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome>;

    /// Deletes workflows in a final status, those that ended first first, and returns how many.
    async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64>;

    /// Replaces a workflow's attributes.
    async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome>;
}
