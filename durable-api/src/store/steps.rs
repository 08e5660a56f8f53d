use std::fmt::Debug;

use async_trait::async_trait;

use super::{Outcome, Owner, StoreResult};
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A checkpoint: what a step of a workflow came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepRecord {
    /// Position among the workflow's steps, from 0.
    pub step_id: u32,
    /// The step's name, which a replay must meet again.
    pub name: String,
    /// The recorded outcome; absent where the step only started a child.
    pub outcome: Option<Outcome>,
    /// The child workflow that the step started.
    pub child_id: Option<String>,
    /// When the step began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// In which order earlier calls completed, as far as a replay could not tell it: text of the engine's own, which a store keeps and
    /// gives back as it is.
    #[serde(default)]
    pub completions: Option<String>,
}

impl StepRecord {
    /// A step that came to an outcome.
    pub fn completed(
        step_id: u32,
        name: impl Into<String>,
        outcome: Outcome,
        started_at: Timestamp,
        completed_at: Timestamp,
    ) -> Self {
        Self {
            step_id,
            name: name.into(),
            outcome: Some(outcome),
            child_id: None,
            started_at,
            completed_at,
            completions: None,
        }
    }

    /// A step that started a child workflow.
    pub fn child(
        step_id: u32,
        name: impl Into<String>,
        child_id: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            step_id,
            name: name.into(),
            outcome: None,
            child_id: Some(child_id.into()),
            started_at: now,
            completed_at: now,
            completions: None,
        }
    }
}

/// A request to record a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordStep {
    /// The workflow.
    pub workflow_id: String,
    /// The execution that writes.
    pub owner: Owner,
    /// The checkpoint.
    pub step: StepRecord,
}

impl RecordStep {
    /// A request.
    pub fn new(workflow_id: impl Into<String>, owner: Owner, step: StepRecord) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            owner,
            step,
        }
    }
}

/// Answer to [`record_step`](StepStore::record_step).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordOutcome {
    /// The checkpoint is recorded.
    Recorded,
    /// The step had a checkpoint, which is unchanged. After an error it may be this very one.
    AlreadyRecorded(StepRecord),
    /// The workflow does not exist, is not `PENDING`, or belongs to another execution. Nothing was written.
    NotOwner,
}

/// Checkpoints.
#[async_trait]
pub trait StepStore: Debug + Send + Sync + 'static {
    /// Records a checkpoint, once, for the owner of a `PENDING` workflow.
    ///
    /// The first writer of a step wins. Ownership is judged first: a former owner is told
    /// `NotOwner`, even about a step that is recorded.
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome>;

    /// The checkpoints of a workflow, by step id. None, if the workflow does not exist.
    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>>;
}
