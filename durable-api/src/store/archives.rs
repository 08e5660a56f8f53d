use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{StepRecord, StoreResult, WorkflowRecord};
use crate::Payload;

/// A workflow with all that belongs to it, to be kept elsewhere or moved to another store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkflowArchive {
    /// The workflow, with its payloads.
    pub record: WorkflowRecord,
    /// Its checkpoints, by step id.
    pub steps: Vec<StepRecord>,
    /// Every value that it showed, by key and, for one key, in the order in which it did.
    pub events: Vec<ArchivedEvent>,
    /// Its streams, by key.
    pub streams: Vec<ArchivedStream>,
    /// The messages that it has not received, in the order in which they were accepted.
    pub messages: Vec<ArchivedMessage>,
}

impl WorkflowArchive {
    /// A workflow to which nothing belongs yet.
    pub fn new(record: WorkflowRecord) -> Self {
        Self {
            record,
            steps: Vec::new(),
            events: Vec::new(),
            streams: Vec::new(),
            messages: Vec::new(),
        }
    }
}

/// A value that a workflow showed under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedEvent {
    /// The key.
    pub key: String,
    /// The step that showed it.
    pub step_id: u32,
    /// The value.
    pub value: Payload,
}

/// A stream of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedStream {
    /// The key.
    pub key: String,
    /// The values, from offset 0, each with the step that wrote it.
    pub values: Vec<(u32, Payload)>,
    /// The step that closed it.
    pub closed_by: Option<u32>,
}

/// A message that waits for a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedMessage {
    /// The topic.
    pub topic: String,
    /// What identifies it among all that were sent to the workflow.
    pub message_id: String,
    /// The message.
    pub payload: Payload,
}

/// Answer to [`import_workflow`](ArchiveStore::import_workflow).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The workflow is there.
    Imported,
    /// A workflow of that id exists. Nothing was written.
    Exists,
}

/// Taking workflows out, and in.
#[async_trait]
pub trait ArchiveStore: Debug + Send + Sync + 'static {
    /// A workflow with all that belongs to it, as of one instant.
    ///
    /// # Errors
    /// `Corrupt`, naming the workflow, when a part of it cannot be read.
    async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>>;

    /// Writes a workflow with all that belongs to it, as it was exported, but for its owner: it has none. One that was `PENDING` and has a queue is
    /// `ENQUEUED`. A deduplication id that another workflow of the queue has by now is left out, and so is, of a `DELAYED` one, a debounce key that another
    /// `DELAYED` one has. Write ids of streams and ids of received messages are not carried over.
    async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome>;
}
