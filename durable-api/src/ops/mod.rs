//! The typed half of the API: thin generic functions over `dyn Context`.
mod archives;
mod durable_call;
mod enqueue;
mod events;
mod fork;
mod lifecycle;
mod management;
mod messages;
mod patching;
mod queues;
mod run_as_step;
mod run_as_transaction;
mod run_workflow;
mod schedules;
mod select;
mod streams;
mod time;
mod verify_replay;
mod workflow_handle;

pub use archives::{export_workflow, import_workflow};
pub use enqueue::{
    EnqueueWorkflow, INTERNAL_QUEUE, debounce, enqueue, enqueue_many, enqueue_named,
};
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
pub use queues::{
    QueueBuilder, delete_queue, list_queues, register_queue, serve_queues, set_delay,
};
pub use run_as_step::{RunStep, run_as_step};
pub use run_as_transaction::{RunTransaction, run_as_transaction};
pub use run_workflow::{RunWorkflow, run_workflow};
pub use schedules::{
    CreateSchedule, Schedule, apply_schedules, backfill_schedule, create_schedule, delete_schedule,
    list_schedules, pause_schedule, resume_schedule, trigger_schedule,
};
pub use select::select;
pub use streams::{close_stream, read_stream, write_stream};
pub use time::{now, random_uuid, sleep};
pub use verify_replay::{VerifyReplay, verify_replay};
pub use workflow_handle::{AwaitResult, WorkflowHandle, join_all};
