use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    DynStep, Error, FunctionId, Handle, Registration, Result, StepOptions, Value,
    store::{StepRecord, WorkflowFilter, WorkflowPage},
};

/// What a program or a workflow may ask of its engine, type-erased: what an engine implements and a test mocks.
///
/// Programs call the free functions of the same names, which restore the types. A `step_id` in a
/// request is the number that the call was given among the steps of its workflow; the call is then recorded. It is
/// `None` outside workflows.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Context: Debug + Send + Sync + 'static {
    /// The id of the running workflow; `None` for a root context.
    fn workflow_id(&self) -> Option<String>;

    /// Adds a workflow to the registry.
    fn register_workflow(&self, registration: Registration) -> Result<(), Error>;

    /// Starts to take up work.
    async fn launch(&self) -> Result<(), Error>;

    /// Ends in order.
    async fn shutdown(&self, timeout: Duration) -> Result<ShutdownReport, Error>;

    /// Starts a workflow, or a child of the running one.
    async fn run_workflow(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error>;

    /// Runs a step, or returns what it came to.
    //
    // The lifetime is spelled out because mockall cannot read an elided one here.
    async fn run_as_step<'a>(&self, options: StepOptions, step: &'a DynStep<'a>) -> Result<Value>;

    /// A handle on a workflow that was started anywhere.
    async fn retrieve_workflow(&self, request: Lookup) -> Result<Arc<dyn Handle>, Error>;

    /// One page of the workflows that meet a filter.
    async fn list_workflows(&self, request: ListWorkflows) -> Result<WorkflowPage, Error>;

    /// The checkpoints of a workflow.
    async fn list_steps(&self, request: Lookup) -> Result<Vec<StepRecord>, Error>;
}

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
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl StartWorkflow {
    /// A request to start `function`.
    pub fn function(function: FunctionId, input: Value) -> Self {
        Self {
            name: function.path().to_owned(),
            function: Some(function),
            workflow_id: None,
            input,
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

/// What a shutdown found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The ids of the workflows that were still running when the time was up. They stay `PENDING`, and
    /// another executor may take them up at once.
    pub unfinished: Vec<String>,
}

impl ShutdownReport {
    /// A report.
    pub fn new(unfinished: Vec<String>) -> Self {
        Self { unfinished }
    }
}
