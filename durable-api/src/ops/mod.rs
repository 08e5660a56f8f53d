//! The typed half of the API: thin generic functions over `dyn Context`.
mod lifecycle;
mod management;
mod run_as_step;
mod run_workflow;
mod workflow_handle;

pub use lifecycle::{launch, register_workflow, register_workflow_with, shutdown};
pub use management::{list_steps, list_workflows, retrieve_workflow};
pub use run_as_step::{RunStep, run_as_step};
pub use run_workflow::{RunWorkflow, run_workflow};
pub use workflow_handle::{AwaitResult, WorkflowHandle};
