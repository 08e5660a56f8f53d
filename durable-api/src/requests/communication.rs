use std::time::Duration;

use crate::Value;

/// A request to leave a message.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendTo {
    /// The workflow that shall receive it.
    pub destination: String,
    /// The topic; may be empty.
    pub topic: String,
    /// By which a repeated request is recognised; random, if `None`.
    pub idempotency_key: Option<String>,
    /// The message.
    pub message: Value,
    /// The caller's step.
    pub step_id: Option<u32>,
    /// The step in whose body the call is.
    pub inside: Option<u32>,
}

impl SendTo {
    /// A request.
    pub fn new(
        destination: String,
        topic: String,
        idempotency_key: Option<String>,
        message: Value,
        step_id: Option<u32>,
        inside: Option<u32>,
    ) -> Self {
        Self {
            destination,
            topic,
            idempotency_key,
            message,
            step_id,
            inside,
        }
    }
}

/// A request for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recv {
    /// The topic.
    pub topic: String,
    /// How long to wait.
    pub timeout: Duration,
    /// The caller's step.
    pub step_id: Option<u32>,
    /// A second number, under which the end of the wait is recorded.
    pub wait_step_id: Option<u32>,
}

impl Recv {
    /// A request.
    pub fn new(
        topic: String,
        timeout: Duration,
        step_id: Option<u32>,
        wait_step_id: Option<u32>,
    ) -> Self {
        Self {
            topic,
            timeout,
            step_id,
            wait_step_id,
        }
    }
}

/// A request to show a value.
#[derive(Debug)]
#[non_exhaustive]
pub struct SetEvent {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The caller's step.
    pub step_id: Option<u32>,
    /// The step in whose body the call is.
    pub inside: Option<u32>,
}

impl SetEvent {
    /// A request.
    pub fn new(key: String, value: Value, step_id: Option<u32>, inside: Option<u32>) -> Self {
        Self {
            key,
            value,
            step_id,
            inside,
        }
    }
}

/// A request for a value that a workflow shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetEvent {
    /// The workflow.
    pub workflow_id: String,
    /// The key.
    pub key: String,
    /// How long to wait.
    pub timeout: Duration,
    /// The caller's step.
    pub step_id: Option<u32>,
    /// A second number, under which the end of the wait is recorded.
    pub wait_step_id: Option<u32>,
}

impl GetEvent {
    /// A request.
    pub fn new(
        workflow_id: String,
        key: String,
        timeout: Duration,
        step_id: Option<u32>,
        wait_step_id: Option<u32>,
    ) -> Self {
        Self {
            workflow_id,
            key,
            timeout,
            step_id,
            wait_step_id,
        }
    }
}

/// A request to append to a stream, or to close it.
#[derive(Debug)]
#[non_exhaustive]
pub struct WriteStream {
    /// The key.
    pub key: String,
    /// The value; `None` closes the stream.
    pub value: Option<Value>,
    /// The caller's step.
    pub step_id: Option<u32>,
    /// The step in whose body the call is.
    pub inside: Option<u32>,
}

impl WriteStream {
    /// A request.
    pub fn new(
        key: String,
        value: Option<Value>,
        step_id: Option<u32>,
        inside: Option<u32>,
    ) -> Self {
        Self {
            key,
            value,
            step_id,
            inside,
        }
    }
}

/// A request for values of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadStream {
    /// The workflow.
    pub workflow_id: String,
    /// The key.
    pub key: String,
    /// The first offset wanted.
    pub from: u64,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl ReadStream {
    /// A request.
    pub fn new(workflow_id: String, key: String, from: u64, step_id: Option<u32>) -> Self {
        Self {
            workflow_id,
            key,
            from,
            step_id,
        }
    }
}

/// Values of a stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct StreamValues {
    /// The values, in order, from the offset that was asked for.
    pub values: Vec<Value>,
    /// Whether there will be no more.
    pub ended: bool,
}

impl StreamValues {
    /// Values.
    pub fn new(values: Vec<Value>, ended: bool) -> Self {
        Self { values, ended }
    }
}
