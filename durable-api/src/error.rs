use crate::{CodecError, Failure, WorkflowStatus, store::StoreError};

/// What the library reports, as opposed to what user code returns ([`Failure`]).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot work.
    #[error("invalid configuration: {0}")]
    InvalidConfig(String),
    /// A store's URL is not understood.
    #[error("`{scheme}` is not the scheme of a store in this build (available: {available})")]
    UnknownStore {
        /// The scheme of the URL.
        scheme: String,
        /// The schemes that this build knows.
        available: String,
    },
    /// A store is not usable; nothing was started.
    #[error("cannot start: {phase} failed on {store}: {source}")]
    Startup {
        /// `connect`, `migrate`, `verify` or `register`.
        phase: &'static str,
        /// The store, without secrets.
        store: String,
        /// What the store said.
        source: StoreError,
    },
    /// An id, name or key is not acceptable. Nothing was written.
    #[error("invalid {what} {value:?}: {reason}")]
    InvalidName {
        /// Which argument.
        what: &'static str,
        /// Its value, shortened.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value is over the limit. Nothing was written.
    #[error("{what} is {size} bytes, over the limit of {limit}")]
    PayloadTooLarge {
        /// The value, by workflow and step.
        what: String,
        /// Its encoded size, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The function is not a registered workflow, or no workflow has that name.
    #[error("workflow `{name}` is not registered; call `register_workflow` before `launch`")]
    NotRegistered {
        /// The name looked up.
        name: String,
    },
    /// The name is taken.
    #[error("workflow `{name}` is registered already")]
    AlreadyRegistered {
        /// The name.
        name: String,
    },
    /// One function is registered under several names.
    #[error("`{function}` is registered as {names}; say which by `.name(…)`")]
    AmbiguousName {
        /// The function's path.
        function: String,
        /// Its names.
        names: String,
    },
    /// A closure or function pointer has no name that a later run would find again.
    #[error("`{type_name}` has no usable name; {hint}")]
    Unnamed {
        /// The type.
        type_name: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The call comes before `launch`.
    #[error("`{operation}` needs a launched context; call `launch` first")]
    NotLaunched {
        /// The call.
        operation: &'static str,
    },
    /// The call comes after `launch`.
    #[error("`{operation}` is not possible any more: the context is launched")]
    AlreadyLaunched {
        /// The call.
        operation: &'static str,
    },
    /// The context was shut down.
    #[error("`{operation}` is not possible: the context is shut down")]
    ShutDown {
        /// The call.
        operation: &'static str,
    },
    /// The call belongs inside a workflow.
    #[error("`{operation}` was called outside a workflow")]
    OutsideWorkflow {
        /// The call.
        operation: &'static str,
    },
    /// The call has no place inside a step.
    #[error(
        "`{operation}` was called inside step {step_id} of workflow `{workflow_id}`; call it from the workflow itself"
    )]
    InsideStep {
        /// The call.
        operation: &'static str,
        /// The workflow.
        workflow_id: String,
        /// The step.
        step_id: u32,
    },
    /// A durable call was made where its order could not be replayed.
    #[error(
        "`{operation}` on workflow `{workflow_id}` was called from another task; durable calls belong to the workflow's own task (use `join!` instead of `spawn`)"
    )]
    ForeignTask {
        /// The call.
        operation: &'static str,
        /// The workflow whose context was used.
        workflow_id: String,
    },
    /// A context was used inside a workflow that is not its own.
    #[error(
        "`{operation}` inside workflow `{workflow_id}` used a context that is not that workflow's own; use the `Ctx` it was given"
    )]
    ForeignContext {
        /// The call.
        operation: &'static str,
        /// The workflow that made the call.
        workflow_id: String,
    },
    /// No queue of that name is registered. Nothing was written.
    #[error("queue `{queue}` is not registered; call `register_queue` first")]
    UnknownQueue {
        /// The queue.
        queue: String,
    },
    /// The queue holds a workflow of the same deduplication id. Nothing was written.
    #[error(
        "queue `{queue}` holds workflow `{workflow_id}`, which has the deduplication id `{deduplication_id}` and has not ended"
    )]
    Duplicate {
        /// The queue.
        queue: String,
        /// The deduplication id.
        deduplication_id: String,
        /// The workflow that has it.
        workflow_id: String,
    },
    /// Workflows wait in the queue, or run from it.
    #[error("queue `{queue}` is in use: workflows wait in it, or run from it")]
    QueueInUse {
        /// The queue.
        queue: String,
    },
    /// The workflow does not wait for its time, or not any more. Nothing changed.
    #[error("workflow `{workflow_id}` is {status}, not delayed")]
    NotDelayed {
        /// The workflow.
        workflow_id: String,
        /// Its status.
        status: WorkflowStatus,
    },
    /// A schedule of that name is stored, and says something else. Nothing was written.
    #[error(
        "schedule `{name}` exists and says something else; `apply_schedules` replaces it, `delete_schedule` removes it"
    )]
    ScheduleExists {
        /// The schedule.
        name: String,
    },
    /// No such schedule is stored.
    #[error("schedule `{name}` does not exist")]
    UnknownSchedule {
        /// The schedule.
        name: String,
    },
    /// A schedule that cannot be. Nothing was written.
    #[error("schedule `{name}`: {reason}")]
    InvalidSchedule {
        /// The schedule.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such workflow is stored.
    #[error("workflow `{workflow_id}` does not exist")]
    NotFound {
        /// The id.
        workflow_id: String,
    },
    /// The version was never registered. Nothing was written.
    #[error("version `{version}` was never registered")]
    UnknownVersion {
        /// The version.
        version: String,
    },
    /// The id belongs to another kind of workflow. Nothing was written.
    #[error("workflow id `{workflow_id}` is taken by a workflow `{name}` of application `{app}`")]
    Conflict {
        /// The id.
        workflow_id: String,
        /// The name of the workflow that has it.
        name: String,
        /// That workflow's application.
        app: String,
    },
    /// The awaited workflow returned a failure.
    #[error("workflow `{workflow_id}` failed: {failure}")]
    WorkflowFailed {
        /// The workflow.
        workflow_id: String,
        /// What it returned.
        failure: Failure,
    },
    /// The stream was closed before. Nothing was written.
    #[error("stream `{key}` of workflow `{workflow_id}` is closed")]
    StreamClosed {
        /// The workflow.
        workflow_id: String,
        /// The stream's key.
        key: String,
    },
    /// Another `recv` waits on the same topic.
    #[error(
        "workflow `{workflow_id}` waits on topic `{topic}` twice at a time; one receiver may wait on a topic"
    )]
    TopicTaken {
        /// The workflow.
        workflow_id: String,
        /// The topic.
        topic: String,
    },
    /// The workflow, awaited or running, is cancelled.
    #[error("workflow `{workflow_id}` is cancelled")]
    Cancelled {
        /// The workflow.
        workflow_id: String,
    },
    /// The awaited workflow is a dead letter.
    #[error("workflow `{workflow_id}` was given up after {attempts} recovery attempts")]
    DeadLetter {
        /// The workflow.
        workflow_id: String,
        /// How often it was recovered.
        attempts: u32,
    },
    /// The time given to a wait ran out. What was waited for goes on.
    #[error("workflow `{workflow_id}` is still {status} after {millis} ms")]
    TimedOut {
        /// The workflow.
        workflow_id: String,
        /// Its status.
        status: WorkflowStatus,
        /// The time given, in milliseconds.
        millis: u64,
    },
    /// The code asked for a step that is not the recorded one: it changed, or is not deterministic.
    /// The workflow stays recoverable.
    #[error(
        "workflow `{workflow_id}` called `{called}` as step {step_id}, where `{recorded}` is recorded; its code changed or is not deterministic"
    )]
    UnexpectedStep {
        /// The workflow.
        workflow_id: String,
        /// The step's number.
        step_id: u32,
        /// The recorded name.
        recorded: String,
        /// The name called.
        called: String,
    },
    /// A stored value does not decode to the type that the code expects. The workflow stays recoverable.
    #[error("{what}: {source}")]
    Codec {
        /// The value, by workflow and step.
        what: String,
        /// What is wrong.
        source: CodecError,
    },
    /// This execution does not own its workflow any more: another one does, or it has ended.
    #[error("this execution of workflow `{workflow_id}` lost it to another one and stops")]
    NotOwner {
        /// The workflow.
        workflow_id: String,
    },
    /// This execution ended without an outcome; the workflow is recovered later.
    #[error(
        "this execution of workflow `{workflow_id}` was interrupted: {reason}; it goes on when it is recovered"
    )]
    Interrupted {
        /// The workflow.
        workflow_id: String,
        /// Why.
        reason: String,
    },
    /// Another process was launched with the same executor id, or this one was taken for dead. Nothing was written.
    #[error(
        "executor `{executor_id}` was superseded by another process and starts no more workflows; launch with an executor id of its own"
    )]
    Superseded {
        /// The executor id.
        executor_id: String,
    },
    /// What was asked for is not something this store or build can do.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] StoreError),
}

impl Error {
    /// A value that does not encode or decode, with its place.
    pub fn codec(what: impl Into<String>, source: CodecError) -> Self {
        Self::Codec {
            what: what.into(),
            source,
        }
    }
}
