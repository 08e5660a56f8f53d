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
mod ops;
mod payload;
mod retry;
mod scope;
mod status;
mod step;
pub mod store;
mod timestamp;
mod value;
mod workflow;

pub use clock::{Clock, IdSource};
#[cfg(feature = "mock")]
pub use context::MockContext;
pub use context::{Context, ListWorkflows, Lookup, ShutdownReport, StartWorkflow};
pub use ctx::Ctx;
pub use encoding::{CodecError, Encoding};
pub use error::Error;
pub use failure::{Failure, Result};
#[cfg(feature = "mock")]
pub use handle::MockHandle;
pub use handle::{GetResult, Handle, ReadyHandle};
pub use ops::{
    AwaitResult, RunStep, RunWorkflow, WorkflowHandle, launch, list_steps, list_workflows,
    register_workflow, register_workflow_with, retrieve_workflow, run_as_step, run_workflow,
    shutdown,
};
pub use payload::Payload;
pub use retry::RetryPolicy;
pub use scope::{Execution, Scoped};
pub use status::{UnknownStatus, WorkflowStatus};
pub use step::{DynStep, Step, StepContext, StepFn, StepOptions};
#[cfg(feature = "mock")]
pub use store::MockSystemStore;
pub use store::SystemStore;
pub use timestamp::Timestamp;
pub use tokio_util::sync::CancellationToken;
pub use value::{Durable, Value};
pub use workflow::{
    ErasedWorkflow, FunctionId, IntoInput, RegisterOptions, Registration, Workflow,
};
