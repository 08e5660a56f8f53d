use durable_api::store::{
    AggregateWorkflows, AppendStream, CancelExpired, CancelWorkflows, Change, ClaimWorkflows,
    DeleteFinished, DeleteWorkflows, DequeueWorkflows, ExpelExecutor, Fence, FinishWorkflow,
    FireSchedule, ForkWorkflow, Incarnation, InsertWorkflow, Owner, PauseSchedule, QueueRecord,
    ReadStream, ReceiveMessage, RecordStep, RegisterExecutor, RegisterVersion, ReleaseDelayed,
    ResumeWorkflows, ScheduleRecord, SendMessage, SetAttributes, SetDelay, SetEvent,
    WorkflowArchive, WorkflowFilter,
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
    Change(Fence, Change),
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
    Settle(Owner),
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
            Self::ApplySchedules(_)
                | Self::Change(
                    _,
                    Change::ApplySchedules(_)
                        | Change::CreateSchedule(_)
                        | Change::PauseSchedule(_)
                )
                | Self::CreateSchedule(_)
                | Self::PauseSchedule(_)
        )
    }

    /// The same on behalf of an execution, if that can be asked for.
    pub(super) fn on_behalf_of(self, fence: Fence) -> Self {
        let change = match self {
            Self::ApplySchedules(schedules) => Change::ApplySchedules(schedules),
            Self::Cancel(request) => Change::CancelWorkflows(request),
            Self::CreateSchedule(schedule) => Change::CreateSchedule(schedule),
            Self::DeleteFinished(request) => Change::DeleteFinished(request),
            Self::DeleteQueue(app, name) => Change::DeleteQueue { app, name },
            Self::DeleteSchedule(app, name) => Change::DeleteSchedule { app, name },
            Self::Delete(request) => Change::DeleteWorkflows(request),
            Self::Fork(requests) => Change::ForkWorkflows(requests),
            Self::Import(archive) => Change::ImportWorkflow(archive),
            Self::Insert(request) if request.enqueue.is_some() && request.parent.is_none() => {
                Change::InsertWorkflow(Box::new(request))
            }
            Self::PauseSchedule(request) => Change::PauseSchedule(request),
            Self::PutQueue(queue) => Change::PutQueue(queue),
            Self::Resume(request) => Change::ResumeWorkflows(request),
            Self::SetAttributes(request) => Change::SetAttributes(request),
            Self::SetDelay(request) => Change::SetDelay(request),
            Self::SetLatestVersion(request) => Change::SetLatestVersion(request),
            other => return other,
        };
        Self::Change(fence, change)
    }
}
