use std::fmt::Debug;

use async_trait::async_trait;

use super::{StepRecord, StepRef, StoreResult};
use crate::{Payload, Timestamp};

/// A request to set an event of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetEvent {
    /// The workflow's step.
    pub step: StepRef,
    /// The event's key.
    pub key: String,
    /// Its value.
    pub value: Payload,
    /// The present time.
    pub now: Timestamp,
}

impl SetEvent {
    /// A request.
    pub fn new(step: StepRef, key: impl Into<String>, value: Payload, now: Timestamp) -> Self {
        Self {
            step,
            key: key.into(),
            value,
            now,
        }
    }
}

/// Answer to [`set_event`](EventStore::set_event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetEventOutcome {
    /// The event has the value.
    Set,
    /// The step had a checkpoint. Nothing was written.
    AlreadyRecorded(StepRecord),
    /// The workflow is not `PENDING` or belongs to another execution. Nothing was written.
    NotOwner,
}

/// Answer to [`get_event`](EventStore::get_event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventLookup {
    /// The event's value.
    Value(Payload),
    /// The workflow has not set it.
    Absent,
    /// There is no such workflow.
    UnknownWorkflow,
}

/// Events: values that a workflow shows to others under keys.
#[async_trait]
pub trait EventStore: Debug + Send + Sync + 'static {
    /// Sets an event and records the step (without outcome and child) in one commit. The value that was set last
    /// wins; what each step set is kept for forks (of several values that one step set, the last).
    async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome>;

    /// The value of an event, whatever the workflow's status.
    async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup>;

    /// All events of a workflow with their present values, by key in byte order.
    async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>>;
}
