use std::fmt::Debug;

use async_trait::async_trait;
use uuid::Uuid;

use super::{StepRecord, StepRef, StoreResult};
use crate::{Payload, Timestamp};

/// A request to append to a stream of a workflow, or to close it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendStream {
    /// The workflow's step.
    pub step: StepRef,
    /// The stream's key.
    pub key: String,
    /// The value; `None` closes the stream.
    pub value: Option<Payload>,
    /// Identifies this write among all of this workflow, so that it can be repeated.
    pub write_id: Uuid,
    /// The present time.
    pub now: Timestamp,
}

impl AppendStream {
    /// A request to append `value`.
    pub fn value(
        step: StepRef,
        key: impl Into<String>,
        value: Payload,
        write_id: Uuid,
        now: Timestamp,
    ) -> Self {
        Self {
            step,
            key: key.into(),
            value: Some(value),
            write_id,
            now,
        }
    }

    /// A request to close the stream.
    pub fn close(step: StepRef, key: impl Into<String>, write_id: Uuid, now: Timestamp) -> Self {
        Self {
            step,
            key: key.into(),
            value: None,
            write_id,
            now,
        }
    }
}

/// Answer to [`append_stream`](StreamStore::append_stream).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// The value stands at this offset, by this call or an earlier one of the same `write_id`; or the stream is closed at
    /// this offset (how many values it has).
    Appended {
        /// The offset, from 0.
        offset: u64,
    },
    /// The stream was closed before. Nothing was written.
    Closed,
    /// The step had a checkpoint. Nothing was written.
    AlreadyRecorded(StepRecord),
    /// The workflow is not `PENDING` or belongs to another execution. Nothing was written.
    NotOwner,
}

/// A request for values of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadStream {
    /// The workflow.
    pub workflow_id: String,
    /// The stream's key.
    pub key: String,
    /// The first offset wanted.
    pub from: u64,
    /// At most so many values.
    pub limit: u32,
}

impl ReadStream {
    /// A request for at most a hundred values.
    pub fn new(workflow_id: impl Into<String>, key: impl Into<String>, from: u64) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            key: key.into(),
            from,
            limit: 100,
        }
    }
}

/// Whether more can come after the values of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// More values are there, or may still come.
    Open,
    /// The stream is closed, and the page holds its last values.
    Closed,
    /// The workflow has reached a final status, and the page holds the stream's last values.
    WorkflowOver,
    /// There is no such workflow.
    UnknownWorkflow,
}

/// Values of a stream, in order and without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamPage {
    /// The values from the offset that was asked for.
    pub values: Vec<Payload>,
    /// What comes after them, as of the same instant.
    pub state: StreamState,
}

impl StreamPage {
    /// A page.
    pub fn new(values: Vec<Payload>, state: StreamState) -> Self {
        Self { values, state }
    }
}

/// Streams: growing sequences of values that a workflow shows to others under keys.
#[async_trait]
pub trait StreamStore: Debug + Send + Sync + 'static {
    /// Appends a value (or closes the stream) and records the step (without outcome and child) in one commit. Offsets of
    /// a stream are distinct and gap-free, whoever writes at the same time. The number of the step that wrote a value is kept for forks.
    ///
    /// Judged in this order: `NotOwner`, `AlreadyRecorded`, a known `write_id` (which changes nothing, and answers as it did), `Closed`.
    async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome>;

    /// Values and state of a stream at one instant, so that a value written just before the end is
    /// never missed. A stream that was never written to is an empty one.
    async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage>;
}
