use durable_api::{
    Payload,
    store::{
        AppendOutcome, BulkOutcome, Changed, ClaimedWorkflows, CreateScheduleOutcome,
        DeleteQueueOutcome, DequeuedWorkflows, EventLookup, ExecutorRecord, ExpelOutcome, Fenced,
        FinishOutcome, FireOutcome, ForkOutcome, HeartbeatOutcome, ImportOutcome, InsertOutcome,
        QueueRecord, ReceiveOutcome, RecordOutcome, ReleaseOutcome, RetireOutcome, ScheduleOutcome,
        ScheduleRecord, SendOutcome, SetAttributesOutcome, SetDelayOutcome, SetEventOutcome,
        SetLatestOutcome, StepRecord, StoreError, StreamPage, VersionRecord, WorkflowArchive,
        WorkflowGroup, WorkflowPage, WorkflowRecord,
    },
};

use super::transaction::Transacted;

/// What a store answered, as far as the contract determines it.
#[derive(Debug)]
pub(super) enum Answer {
    Given(Box<Given>),
    Failed(StoreError),
}

impl Answer {
    /// Whether the contract allows this one, where `expected` is the reference's.
    pub(super) fn agrees_with(&self, expected: &Self) -> bool {
        match (self, expected) {
            (Self::Given(one), Self::Given(other)) => match (&**one, &**other) {
                (Given::Dequeued(one), Given::Dequeued(other)) => is_as_soon(one, other),
                (one, other) => one == other,
            },
            (Self::Failed(one), Self::Failed(other)) => one.kind() == other.kind(),
            _ => false,
        }
    }
}

/// Whether both took the same, and one of them asks to come again no later than is expected: who comes in vain, comes once more.
fn is_as_soon(found: &DequeuedWorkflows, expected: &DequeuedWorkflows) -> bool {
    let mut same = found.clone();
    same.retry_at = expected.retry_at;
    same.held = expected.held;
    let is_late = expected
        .retry_at
        .is_some_and(|expected| found.retry_at.is_none_or(|found| found > expected));
    // Whoever asked for too little comes again anyway.
    let is_late = is_late || (expected.held && !found.held && !found.more);
    same == *expected && !is_late
}

macro_rules! given {
    ($($variant:ident($type:ty)),* $(,)?) => {
        /// An answer that is no error, with what the contract leaves open made the same.
        #[derive(Debug, PartialEq)]
        pub(super) enum Given { $($variant($type)),* }

        $(impl From<$type> for Given {
            fn from(answer: $type) -> Self {
                Self::$variant(answer)
            }
        })*
    };
}

given! {
    Archive(Option<WorkflowArchive>),
    Append(AppendOutcome),
    Bulk(BulkOutcome),
    Changed(Fenced<Changed>),
    Claimed(ClaimedWorkflows),
    CreateSchedule(CreateScheduleOutcome),
    DeleteQueue(DeleteQueueOutcome),
    Dequeued(DequeuedWorkflows),
    Done(()),
    Event(EventLookup),
    Events(Vec<(String, Payload)>),
    Executors(Vec<ExecutorRecord>),
    Expel(ExpelOutcome),
    Finish(FinishOutcome),
    Fire(FireOutcome),
    Fork(Vec<ForkOutcome>),
    Groups(Vec<WorkflowGroup>),
    Heartbeat(HeartbeatOutcome),
    Ids(Vec<String>),
    Import(ImportOutcome),
    Insert(InsertOutcome),
    Number(u64),
    Page(WorkflowPage),
    Queues(Vec<QueueRecord>),
    Receive(ReceiveOutcome),
    Record(RecordOutcome),
    Release(ReleaseOutcome),
    Retire(RetireOutcome),
    Schedule(ScheduleOutcome),
    Schedules(Vec<ScheduleRecord>),
    Send(SendOutcome),
    SetAttributes(SetAttributesOutcome),
    SetDelay(SetDelayOutcome),
    SetEvent(SetEventOutcome),
    SetLatest(SetLatestOutcome),
    Steps(Vec<StepRecord>),
    Stream(StreamPage),
    Transaction(Transacted),
    Versions(Vec<VersionRecord>),
    Workflow(Option<Box<WorkflowRecord>>),
}
