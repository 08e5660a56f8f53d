use std::fmt::{self, Debug};

use async_trait::async_trait;

use super::{
    ArchiveStore, BulkOutcome, CancelWorkflows, CreateScheduleOutcome, DeleteFinished,
    DeleteQueueOutcome, DeleteWorkflows, ForkOutcome, ForkWorkflow, ImportOutcome, InsertOutcome,
    InsertWorkflow, ManagementStore, Owner, PauseSchedule, QueueRecord, QueueStore,
    RegisterVersion, ResumeWorkflows, ScheduleOutcome, ScheduleRecord, ScheduleStore,
    SetAttributes, SetAttributesOutcome, SetDelay, SetDelayOutcome, SetLatestOutcome, StoreError,
    StoreErrorKind, StoreResult, VersionStore, WorkflowArchive, WorkflowStore,
};

/// The execution on whose behalf something is changed that is not its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fence {
    /// The workflow.
    pub workflow_id: String,
    /// The execution.
    pub owner: Owner,
}

impl Fence {
    /// The fence of an execution.
    pub fn new(workflow_id: impl Into<String>, owner: Owner) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            owner,
        }
    }
}

/// Answer to what is done on behalf of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fenced<T> {
    /// It was done, or refused for a reason that the answer gives.
    Done(T),
    /// The workflow is not `PENDING` or belongs to another execution. Nothing was written.
    NotOwner,
}

impl<T> Fenced<T> {
    /// The answer of a store whose operations tell by [`NotOwner::error`] that a fence refused them.
    ///
    /// # Errors
    /// Any other error, as it is.
    pub fn judge(result: StoreResult<T>) -> StoreResult<Self> {
        match result {
            Ok(answer) => Ok(Self::Done(answer)),
            Err(error) if NotOwner::caused(&error) => Ok(Self::NotOwner),
            Err(error) => Err(error),
        }
    }
}

/// The source of an error by which the parts of a store tell each other that a fence refused a write. No caller of a store meets it.
#[derive(Clone, Copy, Debug)]
pub struct NotOwner;

impl NotOwner {
    /// The error, of an operation.
    pub fn error(operation: &'static str) -> StoreError {
        StoreError::new(StoreErrorKind::Invalid, operation).with_source(Self)
    }

    fn caused(error: &StoreError) -> bool {
        std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<Self>)
    }
}

impl fmt::Display for NotOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the workflow on whose behalf it was asked belongs to another execution")
    }
}

impl std::error::Error for NotOwner {}

/// A change of what is not the own of whoever asks for it: one of these operations, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// [`cancel_workflows`](ManagementStore::cancel_workflows)
    CancelWorkflows(CancelWorkflows),
    /// [`resume_workflows`](ManagementStore::resume_workflows)
    ResumeWorkflows(ResumeWorkflows),
    /// [`fork_workflows`](ManagementStore::fork_workflows)
    ForkWorkflows(Vec<ForkWorkflow>),
    /// [`delete_workflows`](ManagementStore::delete_workflows)
    DeleteWorkflows(DeleteWorkflows),
    /// [`delete_finished`](ManagementStore::delete_finished)
    DeleteFinished(DeleteFinished),
    /// [`set_attributes`](ManagementStore::set_attributes)
    SetAttributes(SetAttributes),
    /// [`set_latest_version`](VersionStore::set_latest_version)
    SetLatestVersion(RegisterVersion),
    /// [`create_schedule`](ScheduleStore::create_schedule)
    CreateSchedule(ScheduleRecord),
    /// [`apply_schedules`](ScheduleStore::apply_schedules)
    ApplySchedules(Vec<ScheduleRecord>),
    /// [`pause_schedule`](ScheduleStore::pause_schedule)
    PauseSchedule(PauseSchedule),
    /// [`delete_schedule`](ScheduleStore::delete_schedule)
    DeleteSchedule {
        /// The application.
        app: String,
        /// The schedule.
        name: String,
    },
    /// [`put_queue`](QueueStore::put_queue)
    PutQueue(QueueRecord),
    /// [`delete_queue`](QueueStore::delete_queue)
    DeleteQueue {
        /// The application.
        app: String,
        /// The queue.
        name: String,
    },
    /// [`set_delay`](QueueStore::set_delay)
    SetDelay(SetDelay),
    /// [`import_workflow`](ArchiveStore::import_workflow)
    ImportWorkflow(Box<WorkflowArchive>),
    /// [`insert_workflow`](WorkflowStore::insert_workflow), of one that waits in a queue and has no parent: a child carries its parent's fence.
    InsertWorkflow(Box<InsertWorkflow>),
}

impl Change {
    /// The name of the operation.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::CancelWorkflows(_) => "cancel_workflows",
            Self::ResumeWorkflows(_) => "resume_workflows",
            Self::ForkWorkflows(_) => "fork_workflows",
            Self::DeleteWorkflows(_) => "delete_workflows",
            Self::DeleteFinished(_) => "delete_finished",
            Self::SetAttributes(_) => "set_attributes",
            Self::SetLatestVersion(_) => "set_latest_version",
            Self::CreateSchedule(_) => "create_schedule",
            Self::ApplySchedules(_) => "apply_schedules",
            Self::PauseSchedule(_) => "pause_schedule",
            Self::DeleteSchedule { .. } => "delete_schedule",
            Self::PutQueue(_) => "put_queue",
            Self::DeleteQueue { .. } => "delete_queue",
            Self::SetDelay(_) => "set_delay",
            Self::ImportWorkflow(_) => "import_workflow",
            Self::InsertWorkflow(_) => "insert_workflow",
        }
    }

    /// Calls the operation of a store.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn apply<S>(self, store: &S) -> StoreResult<Changed>
    where
        S: ArchiveStore
            + ManagementStore
            + QueueStore
            + ScheduleStore
            + VersionStore
            + WorkflowStore
            + ?Sized,
    {
        Ok(match self {
            Self::CancelWorkflows(request) => store.cancel_workflows(request).await?.into(),
            Self::ResumeWorkflows(request) => store.resume_workflows(request).await?.into(),
            Self::ForkWorkflows(requests) => store.fork_workflows(requests).await?.into(),
            Self::DeleteWorkflows(request) => store.delete_workflows(request).await?.into(),
            Self::DeleteFinished(request) => store.delete_finished(request).await?.into(),
            Self::SetAttributes(request) => store.set_attributes(request).await?.into(),
            Self::SetLatestVersion(request) => store.set_latest_version(request).await?.into(),
            Self::CreateSchedule(schedule) => store.create_schedule(schedule).await?.into(),
            Self::ApplySchedules(schedules) => store.apply_schedules(schedules).await?.into(),
            Self::PauseSchedule(request) => store.pause_schedule(request).await?.into(),
            Self::DeleteSchedule { app, name } => store.delete_schedule(&app, &name).await?.into(),
            Self::PutQueue(queue) => store.put_queue(queue).await?.into(),
            Self::DeleteQueue { app, name } => store.delete_queue(&app, &name).await?.into(),
            Self::SetDelay(request) => store.set_delay(request).await?.into(),
            Self::ImportWorkflow(archive) => store.import_workflow(*archive).await?.into(),
            Self::InsertWorkflow(request) => {
                Box::new(store.insert_workflow(*request).await?).into()
            }
        })
    }
}

/// Makes the enum of answers, and the way to it and back.
macro_rules! answers {
    ($( $(#[$doc:meta])* $variant:ident($answer:ty) ),* $(,)?) => {
        /// What an operation answered.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Changed {
            $( $(#[$doc])* $variant($answer), )*
        }

        $(
            impl From<$answer> for Changed {
                fn from(answer: $answer) -> Self {
                    Self::$variant(answer)
                }
            }

            impl TryFrom<Changed> for $answer {
                type Error = Changed;

                fn try_from(changed: Changed) -> Result<Self, Changed> {
                    match changed {
                        Changed::$variant(answer) => Ok(answer),
                        other => Err(other),
                    }
                }
            }
        )*
    };
}

answers! {
    /// Of a request about many workflows.
    Bulk(BulkOutcome),
    /// Of forks.
    Forks(Vec<ForkOutcome>),
    /// How many.
    Count(u64),
    /// Of attributes.
    Attributes(SetAttributesOutcome),
    /// Of a version.
    Version(SetLatestOutcome),
    /// Of a new schedule.
    CreateSchedule(CreateScheduleOutcome),
    /// Of a schedule.
    Schedule(ScheduleOutcome),
    /// Of a queue.
    DeleteQueue(DeleteQueueOutcome),
    /// Of a delay.
    Delay(SetDelayOutcome),
    /// Of an import.
    Import(ImportOutcome),
    /// Of a new workflow.
    Insert(Box<InsertOutcome>),
    /// It is stored.
    Stored(()),
}

/// Changing, from within an execution, what is not its own.
#[async_trait]
pub trait ChangeStore: Debug + Send + Sync + 'static {
    /// Does what the operation does, if the workflow of `by` is `PENDING` and owned by it, judged in the transaction that writes. A
    /// store that documents an operation as several transactions judges it in each.
    ///
    /// The execution may change its own workflow, and lose it by that: a repetition after an error is `NotOwner` then.
    ///
    /// # Errors
    /// Those of the operation.
    async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>>;
}
