//! What the methods of [`Context`](crate::Context) take. A `step_id` is the number that the call has among the steps of the
//! workflow that makes it; `None` outside workflows.
use std::time::Duration;

use crate::{
    FunctionId, StartScope, Timestamp, Value,
    store::{AggregateWorkflows, Caller, WorkflowFilter},
};

/// A request to start a workflow.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartWorkflow {
    /// The function's path, or the name that was given in its stead.
    pub name: String,
    /// The function; `None` if a name was given.
    pub function: Option<FunctionId>,
    /// The workflow's id; the engine makes one if there is none.
    pub workflow_id: Option<String>,
    /// The input.
    pub input: Value,
    /// Time limit and cancellation.
    pub scope: StartScope,
    /// On whose behalf; a child's is its parent's, if this is `None`.
    pub caller: Option<Caller>,
    /// What to attach to it.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl StartWorkflow {
    /// A request to start `function`.
    pub fn function(function: FunctionId, input: Value) -> Self {
        Self {
            function: Some(function),
            ..Self::named(function.path(), input)
        }
    }

    /// A request to start what is registered as `name`.
    pub fn named(name: impl Into<String>, input: Value) -> Self {
        Self {
            name: name.into(),
            function: None,
            workflow_id: None,
            input,
            scope: StartScope::default(),
            caller: None,
            attributes: serde_json::Map::new(),
            step_id: None,
        }
    }
}

/// A request about one workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The workflow.
    pub workflow_id: String,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl Lookup {
    /// A request about `workflow_id`.
    pub fn new(workflow_id: impl Into<String>, step_id: Option<u32>) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            step_id,
        }
    }
}

/// A request for a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListWorkflows {
    /// What to list. An `app` of `None` means the caller's own.
    pub filter: WorkflowFilter,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl ListWorkflows {
    /// A request.
    pub fn new(filter: WorkflowFilter, step_id: Option<u32>) -> Self {
        Self { filter, step_id }
    }
}

/// A request to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sleep {
    /// How long.
    pub duration: Duration,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Sleep {
    /// A request.
    pub fn new(duration: Duration, step_id: Option<u32>) -> Self {
        Self { duration, step_id }
    }
}

/// A request without arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draw {
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Draw {
    /// A request.
    pub fn new(step_id: Option<u32>) -> Self {
        Self { step_id }
    }
}

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

/// A request at a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patch {
    /// The patch's name.
    pub name: String,
    /// Whether the old way is gone: nothing is recorded any more.
    pub deprecated: bool,
    /// Whether the caller is a workflow.
    pub in_workflow: bool,
}

impl Patch {
    /// A request.
    pub fn new(name: String, deprecated: bool, in_workflow: bool) -> Self {
        Self {
            name,
            deprecated,
            in_workflow,
        }
    }
}

/// A request to count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Aggregate {
    /// What to count.
    pub query: AggregateWorkflows,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Aggregate {
    /// A request.
    pub fn new(query: AggregateWorkflows, step_id: Option<u32>) -> Self {
        Self { query, step_id }
    }
}

/// A request to change workflows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manage {
    /// Which.
    pub ids: Vec<String>,
    /// Whether their children are meant as well.
    pub children: bool,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Manage {
    /// A request.
    pub fn new(ids: Vec<String>, children: bool, step_id: Option<u32>) -> Self {
        Self {
            ids,
            children,
            step_id,
        }
    }
}

/// A request to fork a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fork {
    /// The workflow to copy from.
    pub source: String,
    /// From where on the new workflow runs itself.
    pub from: ForkFrom,
    /// The new workflow's id; a random one, if `None`.
    pub workflow_id: Option<String>,
    /// Its version; the source's, if `None`.
    pub version: Option<String>,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Fork {
    /// A request.
    pub fn new(
        source: String,
        from: ForkFrom,
        workflow_id: Option<String>,
        version: Option<String>,
        step_id: Option<u32>,
    ) -> Self {
        Self {
            source,
            from,
            workflow_id,
            version,
            step_id,
        }
    }
}

/// From where on a fork runs itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkFrom {
    /// From the step of this number.
    Step(u32),
    /// From the last recorded step.
    LastStep,
    /// From the last step that recorded a failure; from the last step, if none did.
    LastFailure,
}

/// A request to replace attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAttributes {
    /// The workflow.
    pub workflow_id: String,
    /// Its new attributes.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl SetAttributes {
    /// A request.
    pub fn new(
        workflow_id: String,
        attributes: serde_json::Map<String, serde_json::Value>,
        step_id: Option<u32>,
    ) -> Self {
        Self {
            workflow_id,
            attributes,
            step_id,
        }
    }
}

/// A request to delete what ended long ago. Conditions are combined by *and*; without any, nothing is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Workflows that ended before this time.
    pub completed_before: Option<Timestamp>,
    /// Workflows beyond the latest so many.
    pub keep_latest: Option<u64>,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Retention {
    /// A request.
    pub fn new(
        completed_before: Option<Timestamp>,
        keep_latest: Option<u64>,
        step_id: Option<u32>,
    ) -> Self {
        Self {
            completed_before,
            keep_latest,
            step_id,
        }
    }
}

/// A request about a version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// Which.
    pub version: String,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Version {
    /// A request.
    pub fn new(version: String, step_id: Option<u32>) -> Self {
        Self { version, step_id }
    }
}
