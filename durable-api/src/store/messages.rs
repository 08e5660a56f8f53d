use std::fmt::Debug;

use async_trait::async_trait;

use super::{StepRecord, StepRef, StoreResult};
use crate::{Payload, Timestamp};

/// A request to leave a message for a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendMessage {
    /// The workflow that shall receive it.
    pub destination: String,
    /// The topic; may be empty.
    pub topic: String,
    /// Identifies the message among all that were ever sent to this destination.
    pub message_id: String,
    /// The message.
    pub payload: Payload,
    /// The sender's step; `None` for a sender that is no workflow.
    pub sender: Option<StepRef>,
    /// The present time.
    pub now: Timestamp,
}

impl SendMessage {
    /// A message from outside any workflow.
    pub fn new(
        destination: impl Into<String>,
        topic: impl Into<String>,
        message_id: impl Into<String>,
        payload: Payload,
        now: Timestamp,
    ) -> Self {
        Self {
            destination: destination.into(),
            topic: topic.into(),
            message_id: message_id.into(),
            payload,
            sender: None,
            now,
        }
    }
}

/// Answer to [`send_message`](MessageStore::send_message).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The message is there, by this call or an earlier one of the same `message_id`.
    Sent,
    /// No workflow has the destination's id. Nothing was written.
    UnknownDestination,
    /// The sender's step had a checkpoint. Nothing was written.
    AlreadyRecorded(StepRecord),
    /// The sender is not `PENDING` or belongs to another execution. Nothing was written.
    NotOwner,
}

/// A request to consume a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiveMessage {
    /// The receiver's step; always a recorded one.
    pub step: StepRef,
    /// The topic.
    pub topic: String,
    /// Whether to record that nothing came, if there is no message.
    pub give_up: bool,
    /// The present time.
    pub now: Timestamp,
}

impl ReceiveMessage {
    /// A request that records nothing if there is no message.
    pub fn new(step: StepRef, topic: impl Into<String>, now: Timestamp) -> Self {
        Self {
            step,
            topic: topic.into(),
            give_up: false,
            now,
        }
    }
}

/// Answer to [`receive_message`](MessageStore::receive_message).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiveOutcome {
    /// The message, which is consumed; the step's checkpoint holds it as its success.
    Received(Payload),
    /// There is no message. Nothing was written.
    Empty,
    /// There is no message, and the step's checkpoint says so: it has neither outcome nor child.
    GaveUp,
    /// The step had a checkpoint. Nothing was written or consumed.
    AlreadyRecorded(StepRecord),
    /// The receiver is not `PENDING` or belongs to another execution. Nothing was written.
    NotOwner,
}

/// Messages to workflows.
///
/// A workflow's messages go with it when it is deleted, and stay when it ends.
#[async_trait]
pub trait MessageStore: Debug + Send + Sync + 'static {
    /// Leaves a message, whatever the destination's status, and records the sender's step (without outcome
    /// and child) in the same commit.
    ///
    /// Judged in this order: `NotOwner`, `AlreadyRecorded`, `UnknownDestination`, then the message id: a known one changes
    /// nothing, also when its message was consumed long ago; the sender's step is recorded all the same.
    async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome>;

    /// Consumes the oldest message of a topic (in the order in which they were accepted) and records it as the outcome of the
    /// receiver's step, in one commit.
    async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome>;
}
