use std::fmt::Debug;

use async_trait::async_trait;

use super::{
    Caller, DamagedWorkflow, Enqueue, Outcome, Owner, Payloads, StepRecord, StoreResult,
    WorkflowRecord,
};
use crate::{Payload, Timestamp};

/// The parent's checkpoint that is written in the same commit as its child.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParentCheckpoint {
    /// The parent workflow.
    pub workflow_id: String,
    /// The parent's execution.
    pub owner: Owner,
    /// The parent's step; the name a replay must meet again is `step_name`.
    pub step_id: u32,
    /// The step's name.
    pub step_name: String,
    /// The checkpoint's [`completions`](StepRecord::completions).
    pub completions: Option<String>,
}

impl ParentCheckpoint {
    /// A checkpoint.
    pub fn new(
        workflow_id: impl Into<String>,
        owner: Owner,
        step_id: u32,
        step_name: impl Into<String>,
    ) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            owner,
            step_id,
            step_name: step_name.into(),
            completions: None,
        }
    }
}

/// A request to accept a workflow, to start it at once or to let it wait in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InsertWorkflow {
    /// Its id.
    pub id: String,
    /// The application.
    pub app: String,
    /// The registered name of its code.
    pub name: String,
    /// The application version, `None` for unversioned work.
    pub version: Option<String>,
    /// The input.
    pub input: Payload,
    /// The executor that will run it, if it starts at once.
    pub executor_id: String,
    /// The execution that will run it, if it starts at once.
    pub owner: Owner,
    /// The queue in which it waits; `None` to start it at once.
    pub enqueue: Option<Enqueue>,
    /// The schedule whose run it is.
    pub schedule: Option<String>,
    /// The parent's checkpoint, if this is a child.
    pub parent: Option<ParentCheckpoint>,
    /// When it is cancelled, if it has not ended.
    pub deadline: Option<Timestamp>,
    /// On whose behalf it runs.
    pub caller: Caller,
    /// What its users attach to it.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The trace that it belongs to.
    pub trace_context: Option<String>,
    /// The present time.
    pub now: Timestamp,
}

impl InsertWorkflow {
    /// A request without version and parent.
    pub fn new(
        id: impl Into<String>,
        app: impl Into<String>,
        name: impl Into<String>,
        input: Payload,
        owner: Owner,
        now: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            app: app.into(),
            name: name.into(),
            version: None,
            input,
            executor_id: owner.incarnation.to_string(),
            owner,
            enqueue: None,
            schedule: None,
            parent: None,
            deadline: None,
            caller: Caller::new(),
            attributes: serde_json::Map::new(),
            trace_context: None,
            now,
        }
    }
}

/// Answer to [`insert_workflow`](WorkflowStore::insert_workflow).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// The workflow is accepted: `PENDING` and owned by the request's owner; or without owner, `DELAYED` if it has a delay, else `ENQUEUED`.
    Inserted,
    /// A workflow of that id, application, name and queue exists; it is unchanged, and the parent's
    /// checkpoint, if there was one to write, names it. The record comes without payloads.
    Existing(WorkflowRecord),
    /// The id belongs to a workflow of another application, name or queue (or one of the two has none). Nothing was written. The record
    /// comes without payloads.
    Conflict(WorkflowRecord),
    /// The `DELAYED` workflow of this id has the request's debounce key. Its input is the request's now, its delay the request's (but no
    /// later than its own `at_most_until`); the parent's checkpoint, if there was one to write, names it.
    Debounced(String),
    /// The workflow of this id has the request's deduplication id, and has not ended. Nothing was written, but for a parent's
    /// checkpoint that names it, if there was one to write.
    Deduplicated(String),
    /// The parent's step has a checkpoint that does not name this child. Nothing was written.
    StepTaken(StepRecord),
    /// The parent is not `PENDING` or belongs to another execution. Nothing was written.
    ParentNotOwner,
    /// The workflow was to start at once, and the owner is not a registered executor. Nothing was written.
    UnknownExecutor,
}

/// A request to end a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FinishWorkflow {
    /// The workflow.
    pub workflow_id: String,
    /// The execution that ends it.
    pub owner: Owner,
    /// What it came to: `SUCCESS` or `ERROR`.
    pub outcome: Outcome,
    /// The present time.
    pub now: Timestamp,
}

impl FinishWorkflow {
    /// A request.
    pub fn new(
        workflow_id: impl Into<String>,
        owner: Owner,
        outcome: Outcome,
        now: Timestamp,
    ) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            owner,
            outcome,
            now,
        }
    }
}

/// Answer to [`finish_workflow`](WorkflowStore::finish_workflow).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishOutcome {
    /// The outcome is recorded, by this call or an earlier one of the same owner.
    Finished,
    /// The workflow does not exist, was ended by somebody else, or belongs to another execution. Nothing was written.
    NotOwner,
}

/// A workflow that an executor has registered, and how often it may be recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimableWorkflow {
    /// The registered name.
    pub name: String,
    /// A workflow that was recovered this often is a dead letter at the next attempt.
    pub max_recovery_attempts: u32,
}

impl ClaimableWorkflow {
    /// Workflows named `name`.
    pub fn new(name: impl Into<String>, max_recovery_attempts: u32) -> Self {
        Self {
            name: name.into(),
            max_recovery_attempts,
        }
    }
}

/// A request to take over workflows that nobody runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimWorkflows {
    /// Only workflows of this application,
    pub app: String,
    /// of this version,
    pub version: String,
    /// or of none, if this is set,
    pub unversioned: bool,
    /// with one of these names.
    pub workflows: Vec<ClaimableWorkflow>,
    /// The executor that will run them.
    pub executor_id: String,
    /// Their new owner. A fresh execution number for every call but the repetition of one.
    pub owner: Owner,
    /// How many at most, dead letters counted.
    pub limit: u32,
    /// The present time.
    pub now: Timestamp,
}

impl ClaimWorkflows {
    /// A request for versioned work, a hundred at most.
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
            executor_id: owner.incarnation.to_string(),
            owner,
            limit: 100,
            now,
        }
    }
}

/// A workflow that changed hands, with everything its new execution needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedWorkflow {
    /// The workflow, with its input.
    pub record: WorkflowRecord,
    /// Its checkpoints, by step id. No earlier owner can add to them any more.
    pub history: Vec<StepRecord>,
}

impl ClaimedWorkflow {
    /// A claimed workflow.
    pub fn new(record: WorkflowRecord, history: Vec<StepRecord>) -> Self {
        Self { record, history }
    }
}

/// Answer to [`claim_workflows`](WorkflowStore::claim_workflows).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedWorkflows {
    /// Now owned by the caller, oldest first.
    pub claimed: Vec<ClaimedWorkflow>,
    /// Back in their queues.
    pub requeued: Vec<String>,
    /// Over their limit of attempts, and dead letters from now on.
    pub dead_lettered: Vec<String>,
    /// Not readable; left as they were, for somebody to mend. May be named by every call.
    pub damaged: Vec<DamagedWorkflow>,
    /// Whether the limit was reached, so that there may be more.
    pub more: bool,
}

impl ClaimedWorkflows {
    /// Nothing claimed.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Workflows, from acceptance to outcome.
#[async_trait]
pub trait WorkflowStore: Debug + Send + Sync + 'static {
    /// Accepts a workflow, unless its id exists, and writes its parent's checkpoint with it.
    ///
    /// Judged in this order: [`UnknownExecutor`](InsertOutcome::UnknownExecutor); then, for a child,
    /// [`ParentNotOwner`](InsertOutcome::ParentNotOwner) and
    /// [`StepTaken`](InsertOutcome::StepTaken); then the id. A row with that id whose owner is the
    /// request's owner is the request's own, from a call whose answer was lost: `Inserted`. Then the debounce key, then the deduplication id.
    /// A child's row carries the parent's workflow and step as its `parent`.
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome>;

    /// The workflow with that id.
    ///
    /// # Errors
    /// `Corrupt`, naming the workflow, when its row cannot be read.
    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>>;

    /// Records the outcome of a `PENDING` workflow for its owner, who stays on record.
    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome>;

    /// Takes over `PENDING` workflows that have no owner or an owner who is not a registered
    /// executor, oldest first, together with their checkpoints.
    ///
    /// One that has an owner was lost in a crash: its `recovery_attempts` goes up by one, unless it
    /// has reached its limit, in which case it becomes `MAX_RECOVERY_ATTEMPTS_EXCEEDED` and is not claimed. One without an
    /// owner was handed back, and costs no attempt. One that came from a queue is not claimed either, but goes back there, its attempt counted
    /// all the same: `ENQUEUED`, without owner, its limits and its turn being the queue's to judge. Workflows that carry the request's owner
    /// already, from a call whose answer was lost, are returned as they are. For an executor that is not registered, nothing is claimed or returned. Calls that race never share a workflow.
    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows>;
}
