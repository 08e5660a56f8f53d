//! The contracts of durable: what a workflow may ask of its runtime ([`Context`]), and what the
//! runtime may ask of a database ([`SystemStore`]).
//!
//! Data flows one way: user code → generic free function ([`run_workflow`], [`run_as_step`]) → `dyn Context` → engine
//! → `dyn SystemStore` → backend. This crate has no runtime and does no I/O.
mod clock;
mod context;
mod ctx;
mod encoding;
mod error;
mod failure;
mod handle;
mod in_flight;
mod method;
mod ops;
mod order;
mod payload;
mod replay;
pub mod requests;
mod retry;
mod scope;
mod status;
mod step;
pub mod store;
mod timestamp;
mod transaction;
mod value;
mod values;
mod workflow;

pub use clock::{Clock, IdSource};
#[cfg(feature = "mock")]
pub use context::MockContext;
pub use context::{Context, ShutdownReport};
pub use ctx::{Canceller, Ctx, StartScope};
pub use encoding::{CodecError, Encoding};
pub use error::Error;
pub use failure::{Failure, Result};
#[cfg(feature = "mock")]
pub use handle::MockHandle;
pub use handle::{GetResult, Handle, ReadyHandle};
pub use method::{Instance, Method, method};
pub use ops::{
    AwaitResult, CreateSchedule, EnqueueWorkflow, ForkWorkflow, INTERNAL_QUEUE, QueueBuilder,
    RunStep, RunTransaction, RunWorkflow, Schedule, SendMessage, VerifyReplay, WorkflowHandle,
    aggregate_workflows, apply_schedules, backfill_schedule, cancel_all, cancel_workflow,
    cancel_workflows, close_stream, create_schedule, debounce, delete_finished, delete_queue,
    delete_schedule, delete_workflow, delete_workflows, deprecate_patch, enqueue, enqueue_many,
    enqueue_named, export_workflow, fork_workflow, fork_workflows, get_event, import_workflow,
    join_all, launch, list_queues, list_schedules, list_steps, list_versions, list_workflows, now,
    patch, pause_schedule, random_uuid, read_stream, recv, register_queue, register_workflow,
    register_workflow_with, registered_workflows, resume_schedule, resume_workflow,
    resume_workflows, retrieve_workflow, run_as_step, run_as_transaction, run_workflow, select,
    send, serve_queues, set_attributes, set_delay, set_event, set_latest_version, shutdown, sleep,
    trigger_schedule, verify_replay, write_stream,
};
pub use payload::Payload;
pub use replay::{DivergenceReason, ReplayDivergence, ReplayReport};
pub use requests::{ForkFrom, Forks, OnDuplicate};
pub use retry::RetryPolicy;
pub use scope::{Execution, ExecutionStart, Scoped};
pub use status::{UnknownStatus, WorkflowStatus};
pub use step::{DynStep, Step, StepContext, StepFn, StepOptions};
#[cfg(feature = "mock")]
pub use store::MockSystemStore;
pub use store::{Caller, SystemStore};
pub use timestamp::Timestamp;
pub use tokio_util::sync::CancellationToken;
pub use transaction::{DynTransaction, TransactionFn, TransactionOptions, TransactionStep};
pub use value::{Durable, Value};
pub use values::Values;
pub use workflow::{
    ErasedWorkflow, FunctionId, IntoInput, RegisterOptions, Registration, Workflow,
};
