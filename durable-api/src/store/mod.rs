//! What an engine asks of a database: one small trait per concern, one umbrella.
//!
//! # Rules that hold for every method
//!
//! 1. One method is one atomic transaction. It takes effect wholly or not at all.
//! 2. The caller supplies ids, owners and the time. A store has no clock of its own.
//! 3. Payloads are opaque bytes beside the name of their encoding. A store never decodes one.
//! 4. An expected refusal is a variant of the answer. An `Err` is a malfunction, and its
//!    [kind](StoreErrorKind) says whether the write may have been applied.
//! 5. Every write is safe to repeat with the same arguments after an error: a write that had been
//!    applied answers as it did the first time, and changes nothing.
//! 6. A write that belongs to an execution carries its [`Owner`] and is applied only while the
//!    workflow is `PENDING` and owned by it, judged in the same transaction. So is what an execution
//!    changes that is not its own: it goes by [`change`](ChangeStore::change), with a [`Fence`].
//! 7. A method never waits for something to happen. It may wait for its own commit.
//! 8. A write that was acknowledged survives a crash of the process and, in the store's documented
//!    durability class, of the server.
mod administration;
mod aggregates;
mod archives;
mod changes;
mod error;
mod events;
mod executors;
mod filter;
mod lifecycle;
mod management;
mod messages;
#[cfg(feature = "mock")]
mod mock;
mod outbox;
mod owner;
mod queues;
mod schedules;
mod step_ref;
mod steps;
mod streams;
mod transactions;
mod versions;
mod wakeups;
mod workflow_record;
mod workflows;

pub use administration::{AdministrationStore, DamagedWorkflow, WorkflowPage};
pub use aggregates::{AggregateStore, AggregateWorkflows, GroupKey, WorkflowGroup};
pub use archives::{
    ArchiveStore, ArchivedEvent, ArchivedMessage, ArchivedStream, ImportOutcome, WorkflowArchive,
};
pub use changes::{Change, ChangeStore, Changed, Fence, Fenced, NotOwner};
pub use error::{StoreError, StoreErrorKind, StoreResult};
pub use events::{EventLookup, EventStore, SetEvent, SetEventOutcome};
pub use executors::{
    ExecutorRecord, ExecutorStore, ExpelExecutor, ExpelOutcome, HeartbeatOutcome, RegisterExecutor,
    RegisterOutcome, RetireOutcome,
};
pub use filter::{Cursor, SortOrder, WorkflowFilter};
pub use lifecycle::{LifecycleStore, StoreDescription};
pub use management::{
    BulkOutcome, CancelExpired, CancelWorkflows, DeleteFinished, DeleteWorkflows, ForkOutcome,
    ForkWorkflow, ManagementStore, ResumeWorkflows, SetAttributes, SetAttributesOutcome,
};
pub use messages::{MessageStore, ReceiveMessage, ReceiveOutcome, SendMessage, SendOutcome};
#[cfg(feature = "mock")]
pub use mock::MockSystemStore;
pub use outbox::{DynConnection, OutboxStore};
pub use owner::{Incarnation, Owner};
pub use queues::{
    Debounce, DeleteQueueOutcome, DequeueWorkflows, DequeuedWorkflows, Enqueue, Limits,
    QueueRecord, QueueStore, RateLimit, ReleaseDelayed, ReleaseOutcome, SetDelay, SetDelayOutcome,
};
pub use schedules::{
    CreateScheduleOutcome, FireOutcome, FireSchedule, PauseSchedule, ScheduleOutcome,
    ScheduleRecord, ScheduleStore,
};
pub use step_ref::StepRef;
pub use steps::{RecordOutcome, RecordStep, StepRecord, StepStore};
pub use streams::{AppendOutcome, AppendStream, ReadStream, StreamPage, StreamState, StreamStore};
pub use transactions::{
    BodyOutcome, DynBody, TransactionBody, TransactionOutcome, TransactionStore,
};
pub use versions::{RegisterVersion, SetLatestOutcome, VersionRecord, VersionStore};
pub use wakeups::{Wakeup, WakeupStore, Wakeups};
pub use workflow_record::{Caller, Outcome, ParentStep, Payloads, WorkflowRecord};
pub use workflows::{
    ClaimWorkflows, ClaimableWorkflow, ClaimedWorkflow, ClaimedWorkflows, FinishOutcome,
    FinishWorkflow, InsertOutcome, InsertWorkflow, ParentCheckpoint, WorkflowStore,
};

/// Everything an engine needs of a database.
///
/// Implemented for every type that implements the parts. A component of an engine takes only the
/// part it needs, by upcasting: `let steps: &dyn StepStore = &*store;`.
pub trait SystemStore:
    AdministrationStore
    + AggregateStore
    + ArchiveStore
    + ChangeStore
    + EventStore
    + ExecutorStore
    + LifecycleStore
    + ManagementStore
    + MessageStore
    + OutboxStore
    + QueueStore
    + ScheduleStore
    + StepStore
    + StreamStore
    + TransactionStore
    + VersionStore
    + WakeupStore
    + WorkflowStore
{
}

impl<T> SystemStore for T where
    T: AdministrationStore
        + AggregateStore
        + ArchiveStore
        + ChangeStore
        + EventStore
        + ExecutorStore
        + LifecycleStore
        + ManagementStore
        + MessageStore
        + OutboxStore
        + QueueStore
        + ScheduleStore
        + StepStore
        + StreamStore
        + TransactionStore
        + VersionStore
        + WakeupStore
        + WorkflowStore
{
}
