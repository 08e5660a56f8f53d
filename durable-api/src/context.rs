use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    DynStep, DynTransaction, Error, Handle, Registration, ReplayReport, Result, StepOptions,
    Timestamp, TransactionOptions, Value,
    requests::{
        Aggregate, Backfill, Draw, Fork, ForkMany, Forks, GetEvent, Import, ListWorkflows, Lookup,
        Manage, Named, Patch, ReadStream, Recv, RegisterQueue, Retention, SendTo, SetAttributes,
        SetDelay, SetEvent, Sleep, StartWorkflow, StoreSchedules, StreamValues, VerifyReplay,
        Version, WriteStream,
    },
    store::{
        BulkOutcome, DynConnection, QueueRecord, ScheduleRecord, StepRecord, VersionRecord,
        WorkflowArchive, WorkflowGroup, WorkflowPage,
    },
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

    /// The names of the registered workflows, in order.
    fn registered_workflows(&self) -> Vec<String>;

    /// Starts to take up work.
    async fn launch(&self) -> Result<(), Error>;

    /// Ends in order.
    async fn shutdown(&self, timeout: Duration) -> Result<ShutdownReport, Error>;

    /// Starts a workflow, or a child of the running one.
    async fn run_workflow(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error>;

    /// Leaves a workflow, or a child of the running one, in a queue.
    async fn enqueue(&self, request: StartWorkflow) -> Result<Arc<dyn Handle>, Error>;

    /// Leaves a workflow in a queue, in a transaction of the caller's.
    async fn enqueue_within<'a>(
        &self,
        request: StartWorkflow,
        connection: &'a mut DynConnection,
    ) -> Result<Arc<dyn Handle>, Error>;

    /// Runs a step, or returns what it came to.
    //
    // The lifetime is spelled out because mockall cannot read an elided one here.
    async fn run_as_step<'a>(&self, options: StepOptions, step: &'a DynStep<'a>) -> Result<Value>;

    /// Runs a step in a database transaction, or returns what it came to.
    async fn run_as_transaction<'a>(
        &self,
        options: TransactionOptions,
        body: &'a DynTransaction<'a>,
    ) -> Result<Value>;

    /// Waits until a recorded instant.
    async fn sleep(&self, request: Sleep) -> Result<(), Error>;

    /// The present time, recorded.
    async fn now(&self, request: Draw) -> Result<Timestamp, Error>;

    /// A random UUID, recorded.
    async fn random_uuid(&self, request: Draw) -> Result<Uuid, Error>;

    /// Leaves a message for a workflow.
    async fn send(&self, request: SendTo) -> Result<(), Error>;

    /// Leaves a message for a workflow, in a transaction of the caller's.
    async fn send_within<'a>(
        &self,
        request: SendTo,
        connection: &'a mut DynConnection,
    ) -> Result<(), Error>;

    /// Takes the next message of a topic, or none at the timeout.
    async fn recv(&self, request: Recv) -> Result<Option<Value>, Error>;

    /// Shows a value to others under a key.
    async fn set_event(&self, request: SetEvent) -> Result<(), Error>;

    /// The value that a workflow shows under a key, or none at the timeout.
    async fn get_event(&self, request: GetEvent) -> Result<Option<Value>, Error>;

    /// Appends a value to a stream, or closes it.
    async fn write_stream(&self, request: WriteStream) -> Result<(), Error>;

    /// The next values of a stream; waits until there are any, or there will be no more.
    async fn read_stream(&self, request: ReadStream) -> Result<StreamValues, Error>;

    /// Whether the code goes the new way at a patch.
    async fn patch(&self, request: Patch) -> Result<bool, Error>;

    /// A handle on a workflow that was started anywhere.
    async fn retrieve_workflow(&self, request: Lookup) -> Result<Arc<dyn Handle>, Error>;

    /// One page of the workflows that meet a filter.
    async fn list_workflows(&self, request: ListWorkflows) -> Result<WorkflowPage, Error>;

    /// The checkpoints of a workflow.
    async fn list_steps(&self, request: Lookup) -> Result<Vec<StepRecord>, Error>;

    /// Counts workflows in groups.
    async fn aggregate_workflows(&self, request: Aggregate) -> Result<Vec<WorkflowGroup>, Error>;

    /// Cancels a workflow.
    async fn cancel_workflow(&self, request: Manage) -> Result<(), Error>;

    /// Cancels workflows.
    async fn cancel_workflows(&self, request: Manage) -> Result<BulkOutcome, Error>;

    /// Cancels what meets a filter and has not ended.
    async fn cancel_all(&self, request: ListWorkflows) -> Result<BulkOutcome, Error>;

    /// Resumes a workflow.
    async fn resume_workflow(&self, request: Manage) -> Result<Arc<dyn Handle>, Error>;

    /// Resumes workflows.
    async fn resume_workflows(&self, request: Manage) -> Result<BulkOutcome, Error>;

    /// Deletes a workflow.
    async fn delete_workflow(&self, request: Manage) -> Result<(), Error>;

    /// Deletes workflows.
    async fn delete_workflows(&self, request: Manage) -> Result<BulkOutcome, Error>;

    /// Makes a new workflow out of the first steps of another.
    async fn fork_workflow(&self, request: Fork) -> Result<Arc<dyn Handle>, Error>;

    /// Makes new workflows out of the first steps of others.
    async fn fork_workflows(&self, request: ForkMany) -> Result<Forks, Error>;

    /// A workflow with all that belongs to it.
    async fn export_workflow(&self, request: Lookup) -> Result<WorkflowArchive, Error>;

    /// Writes an exported workflow.
    async fn import_workflow(&self, request: Import) -> Result<(), Error>;

    /// Stores a queue's configuration.
    async fn register_queue(&self, request: RegisterQueue) -> Result<(), Error>;

    /// The registered queues.
    async fn list_queues(&self, request: Draw) -> Result<Vec<QueueRecord>, Error>;

    /// Removes a queue's configuration.
    async fn delete_queue(&self, request: Named) -> Result<(), Error>;

    /// Chooses the queues from which work is taken.
    fn serve_queues(&self, queues: Option<Vec<String>>);

    /// Changes when a delayed workflow enters its queue.
    async fn set_delay(&self, request: SetDelay) -> Result<(), Error>;

    /// Stores a schedule.
    async fn create_schedule(&self, request: StoreSchedules) -> Result<(), Error>;

    /// Stores schedules, also in place of others.
    async fn apply_schedules(&self, request: StoreSchedules) -> Result<(), Error>;

    /// The schedules.
    async fn list_schedules(&self, request: Draw) -> Result<Vec<ScheduleRecord>, Error>;

    /// Lets a schedule rest.
    async fn pause_schedule(&self, request: Named) -> Result<(), Error>;

    /// Goes on with a schedule.
    async fn resume_schedule(&self, request: Named) -> Result<(), Error>;

    /// Removes a schedule.
    async fn delete_schedule(&self, request: Named) -> Result<(), Error>;

    /// Runs a schedule's workflow now.
    async fn trigger_schedule(&self, request: Named) -> Result<Arc<dyn Handle>, Error>;

    /// Runs what a schedule would have run between two times.
    async fn backfill_schedule(&self, request: Backfill) -> Result<Vec<String>, Error>;

    /// Replaces a workflow's attributes.
    async fn set_attributes(&self, request: SetAttributes) -> Result<(), Error>;

    /// Deletes workflows that ended long ago, and returns how many.
    async fn delete_finished(&self, request: Retention) -> Result<u64, Error>;

    /// The versions of this application, the latest first.
    async fn list_versions(&self, request: Draw) -> Result<Vec<VersionRecord>, Error>;

    /// Makes a registered version the latest.
    async fn set_latest_version(&self, request: Version) -> Result<(), Error>;

    /// Replays recorded histories without effects.
    async fn verify_replay(&self, request: VerifyReplay) -> Result<ReplayReport, Error>;
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
