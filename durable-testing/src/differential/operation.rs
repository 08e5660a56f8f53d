use durable_api::store::{
    AggregateWorkflows, AppendStream, CancelExpired, CancelWorkflows, ClaimWorkflows,
    DeleteFinished, DeleteWorkflows, DequeueWorkflows, ExpelExecutor, FinishWorkflow, FireSchedule,
    ForkWorkflow, Incarnation, InsertWorkflow, PauseSchedule, QueueRecord, ReadStream,
    ReceiveMessage, RecordStep, RegisterExecutor, RegisterVersion, ReleaseDelayed, ResumeWorkflows,
    ScheduleRecord, SendMessage, SetAttributes, SetDelay, SetEvent, WorkflowArchive,
    WorkflowFilter,
};

use super::transaction::Transaction;

/// A call of a store: one variant a method of [`SystemStore`](durable_api::SystemStore).
///
/// Revisions of schedules, which every store numbers in its own way, are told by the order in which they were seen.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Aggregate(AggregateWorkflows),
    AppendStream(AppendStream),
    ApplySchedules(Vec<ScheduleRecord>),
    CancelExpired(CancelExpired),
    Cancel(CancelWorkflows),
    Claim(ClaimWorkflows),
    CreateSchedule(ScheduleRecord),
    DeleteFinished(DeleteFinished),
    DeleteQueue(String, String),
    DeleteSchedule(String, String),
    Delete(DeleteWorkflows),
    Dequeue(DequeueWorkflows, Order),
    Expel(ExpelExecutor),
    Export(String),
    Finish(FinishWorkflow),
    Fire(FireSchedule),
    Fork(Vec<ForkWorkflow>),
    GetEvent(String, String),
    Get(String),
    Heartbeat(Incarnation),
    Import(Box<WorkflowArchive>),
    Insert(InsertWorkflow),
    InsertWithin(InsertWorkflow),
    ListEvents(String),
    ListExecutors(String),
    ListQueues(String),
    ListSchedules(String),
    ListSteps(String),
    ListVersions(String),
    List(Box<WorkflowFilter>),
    Migrate,
    PauseSchedule(PauseSchedule),
    Ping,
    PutQueue(QueueRecord),
    ReadStream(ReadStream),
    Receive(ReceiveMessage),
    RecordStep(RecordStep),
    Register(RegisterExecutor),
    RegisterVersion(RegisterVersion),
    ReleaseDelayed(ReleaseDelayed),
    Resume(ResumeWorkflows),
    Retire(Incarnation),
    Send(SendMessage),
    SendWithin(SendMessage),
    SetAttributes(SetAttributes),
    SetDelay(SetDelay),
    SetEvent(SetEvent),
    SetLatestVersion(RegisterVersion),
    Subscribe,
    Transaction(Transaction),
    Verify,
}

/// Whether the contract determines the order of what is taken from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Within each partition.
    ByPartition,
    /// Not at all: clocks differ, and what was accepted first is not what was created first.
    Open,
}

impl Operation {
    /// Whether it may change the revision of a schedule.
    pub(super) fn changes_schedules(&self) -> bool {
        matches!(
            self,
            Self::ApplySchedules(_) | Self::CreateSchedule(_) | Self::PauseSchedule(_)
        )
    }
}
