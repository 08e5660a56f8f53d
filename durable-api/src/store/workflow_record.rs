use std::time::Duration;

use super::{Debounce, Owner};
use crate::{Payload, Timestamp, WorkflowStatus};
use serde::{Deserialize, Serialize};

/// What a workflow or a step came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It returned a value.
    Success(Payload),
    /// It returned a failure.
    Failure(Payload),
}

impl Outcome {
    /// The payload, whichever it is.
    pub fn payload(&self) -> &Payload {
        match self {
            Self::Success(payload) | Self::Failure(payload) => payload,
        }
    }
}

/// Which step of which workflow started a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentStep {
    /// The parent.
    pub workflow_id: String,
    /// The step of the parent.
    pub step_id: u32,
}

impl ParentStep {
    /// Step `step_id` of workflow `workflow_id`.
    pub fn new(workflow_id: impl Into<String>, step_id: u32) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            step_id,
        }
    }
}

/// On whose behalf a workflow runs; children inherit it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Caller {
    /// The authenticated user.
    pub user: Option<String>,
    /// The role that the user assumed.
    pub assumed_role: Option<String>,
    /// All roles that the user has.
    pub roles: Vec<String>,
}

impl Caller {
    /// Nobody in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// An authenticated user.
    pub fn user(user: impl Into<String>) -> Self {
        Self {
            user: Some(user.into()),
            ..Self::default()
        }
    }

    /// The role that the user assumed.
    #[must_use]
    pub fn assuming(mut self, role: impl Into<String>) -> Self {
        self.assumed_role = Some(role.into());
        self
    }

    /// Adds a role that the user has.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }
}

/// Which of inputs and outcomes a read loads: they may be large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payloads {
    /// Leave them out: the record's `input` and `outcome` are `None`.
    #[default]
    Omit,
    /// Load the outcome, if there is one, and leave out the input.
    Outcome,
    /// Load both.
    Load,
}

/// A workflow as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkflowRecord {
    /// Its id, unique in the store.
    pub id: String,
    /// The application that made it.
    pub app: String,
    /// The registered name of its code.
    pub name: String,
    /// Its status.
    pub status: WorkflowStatus,
    /// The application version it belongs to; `None` for unversioned work.
    pub version: Option<String>,
    /// The executor that runs it or ran it last.
    pub executor_id: Option<String>,
    /// The execution that may write to it, or was the last that could; `None` once it was handed back.
    pub owner: Option<Owner>,
    /// How often it was recovered after its executor died.
    pub recovery_attempts: u32,
    /// The step that started it, if it is a child.
    pub parent: Option<ParentStep>,
    /// The workflow whose first steps it was made of, if it is a fork.
    pub forked_from: Option<String>,
    /// When it is cancelled, if it has not ended.
    pub deadline: Option<Timestamp>,
    /// How long it may take, from when it is first taken from its queue.
    pub timeout: Option<Duration>,
    /// The queue that it came by; `None` if it was started at once.
    pub queue: Option<String>,
    /// Its priority in the queue; the lower, the earlier.
    pub priority: i32,
    /// What keeps a second one out of the queue while this has not ended.
    pub deduplication_id: Option<String>,
    /// Its partition of the queue.
    pub partition_key: Option<String>,
    /// Until when it is or was `DELAYED`.
    pub delayed_until: Option<Timestamp>,
    /// By which it can be pushed back while it is `DELAYED`.
    pub debounce: Option<Debounce>,
    /// The schedule whose run it is.
    pub schedule: Option<String>,
    /// On whose behalf it runs.
    pub caller: Caller,
    /// What its users attached to it, to find it by.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The trace that it belongs to, as a W3C `traceparent`.
    pub trace_context: Option<String>,
    /// The input.
    pub input: Option<Payload>,
    /// The outcome, once it is `SUCCESS` or `ERROR`.
    pub outcome: Option<Outcome>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its row last changed (checkpoints do not count).
    pub updated_at: Timestamp,
    /// When an executor first took it up; of a queued one, when it was last taken.
    pub started_at: Option<Timestamp>,
    /// When it reached a final status.
    pub completed_at: Option<Timestamp>,
}

impl WorkflowRecord {
    /// A record with everything optional absent and all times `created_at`.
    pub fn new(
        id: impl Into<String>,
        app: impl Into<String>,
        name: impl Into<String>,
        status: WorkflowStatus,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            app: app.into(),
            name: name.into(),
            status,
            version: None,
            executor_id: None,
            owner: None,
            recovery_attempts: 0,
            parent: None,
            forked_from: None,
            deadline: None,
            timeout: None,
            queue: None,
            priority: 0,
            deduplication_id: None,
            partition_key: None,
            delayed_until: None,
            debounce: None,
            schedule: None,
            caller: Caller::new(),
            attributes: serde_json::Map::new(),
            trace_context: None,
            input: None,
            outcome: None,
            created_at,
            updated_at: created_at,
            started_at: None,
            completed_at: None,
        }
    }

    /// The record without input and outcome.
    #[must_use]
    pub fn without_payloads(self) -> Self {
        self.with_payloads(Payloads::Omit)
    }

    /// The record with those of its payloads alone that a read loads.
    #[must_use]
    pub fn with_payloads(mut self, payloads: Payloads) -> Self {
        if payloads != Payloads::Load {
            self.input = None;
        }
        if payloads == Payloads::Omit {
            self.outcome = None;
        }
        self
    }
}
