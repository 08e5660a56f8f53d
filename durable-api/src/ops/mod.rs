//! The typed half of the API: thin generic functions over `dyn Context`.
mod durable_call;
mod events;
mod fork;
mod lifecycle;
mod management;
mod messages;
mod patching;
mod run_as_step;
mod run_as_transaction;
mod run_workflow;
mod select;
mod streams;
mod time;
mod workflow_handle;

pub use events::{get_event, set_event};
pub use fork::{ForkWorkflow, fork_workflow, fork_workflows};
pub use lifecycle::{
    launch, register_workflow, register_workflow_with, registered_workflows, shutdown,
};
pub use management::{
    aggregate_workflows, cancel_all, cancel_workflow, cancel_workflows, delete_finished,
    delete_workflow, delete_workflows, list_steps, list_versions, list_workflows, resume_workflow,
    resume_workflows, retrieve_workflow, set_attributes, set_latest_version,
};
pub use messages::{SendMessage, recv, send};
pub use patching::{deprecate_patch, patch};
pub use run_as_step::{RunStep, run_as_step};
pub use run_as_transaction::{RunTransaction, run_as_transaction};
pub use run_workflow::{RunWorkflow, run_workflow};
pub use select::select;
pub use streams::{close_stream, read_stream, write_stream};
pub use time::{now, random_uuid, sleep};
pub use workflow_handle::{AwaitResult, WorkflowHandle, join_all};
