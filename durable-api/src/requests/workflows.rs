use crate::{FunctionId, StartScope, Value, requests::QueueOptions, store::Caller};

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
    /// The queue in which it waits; `None` to start it at once.
    pub queue: Option<QueueOptions>,
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
            queue: None,
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
