//! The store of a rehearsal: there is none. What is recorded was handed to the run, and nothing else may be asked or written.
use async_trait::async_trait;
use durable_api::{
    Payload,
    store::{
        AdministrationStore, AggregateStore, AggregateWorkflows, AppendOutcome, AppendStream,
        ArchiveStore, BulkOutcome, CancelExpired, CancelWorkflows, Change, ChangeStore, Changed,
        ClaimWorkflows, ClaimedWorkflows, CreateScheduleOutcome, DeleteFinished,
        DeleteQueueOutcome, DeleteWorkflows, DequeueWorkflows, DequeuedWorkflows, DynBody,
        DynConnection, EventLookup, EventStore, ExecutorRecord, ExecutorStore, ExpelExecutor,
        ExpelOutcome, Fence, Fenced, FinishOutcome, FinishWorkflow, FireOutcome, FireSchedule,
        ForkOutcome, ForkWorkflow, HeartbeatOutcome, ImportOutcome, Incarnation, InsertOutcome,
        InsertWorkflow, LifecycleStore, ManagementStore, MessageStore, OutboxStore, Owner,
        PauseSchedule, Payloads, QueueRecord, QueueStore, ReadStream, ReceiveMessage,
        ReceiveOutcome, RecordOutcome, RecordStep, RegisterExecutor, RegisterOutcome,
        RegisterVersion, ReleaseDelayed, ReleaseOutcome, ResumeWorkflows, RetireOutcome,
        ScheduleOutcome, ScheduleRecord, ScheduleStore, SendMessage, SendOutcome, SetAttributes,
        SetAttributesOutcome, SetDelay, SetDelayOutcome, SetEvent, SetEventOutcome,
        SetLatestOutcome, StepRecord, StepRef, StepStore, StoreDescription, StoreError,
        StoreErrorKind, StoreResult, StreamPage, StreamStore, TransactionOutcome, TransactionStore,
        VersionRecord, VersionStore, WakeupStore, Wakeups, WorkflowArchive, WorkflowFilter,
        WorkflowGroup, WorkflowPage, WorkflowRecord, WorkflowStore,
    },
};

/// Refuses every call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FencedStore;

fn refused<T>(operation: &'static str) -> StoreResult<T> {
    Err(StoreError::new(StoreErrorKind::Unsupported, operation)
        .with_message("a verification of replays asks nothing of the store and writes nothing"))
}

/// Implements traits of which every method is refused.
macro_rules! refuse {
    ($( $store:ident { $( $method:ident($( $argument:ident: $kind:ty ),*) -> $answer:ty; )* } )*) => {
        $(
            #[async_trait]
            impl $store for FencedStore {
                $(
                    async fn $method(&self, $( $argument: $kind ),*) -> StoreResult<$answer> {
                        refused(stringify!($method))
                    }
                )*
            }
        )*
    };
}

refuse! {
    AdministrationStore {
        list_workflows(_filter: WorkflowFilter) -> WorkflowPage;
    }
    AggregateStore {
        aggregate_workflows(_request: AggregateWorkflows) -> Vec<WorkflowGroup>;
    }
    ArchiveStore {
        export_workflow(_id: &str) -> Option<WorkflowArchive>;
        import_workflow(_archive: WorkflowArchive) -> ImportOutcome;
    }
    ChangeStore {
        change(_by: Fence, _change: Change) -> Fenced<Changed>;
    }
    EventStore {
        set_event(_request: SetEvent) -> SetEventOutcome;
        get_event(_id: &str, _key: &str) -> EventLookup;
        list_events(_id: &str) -> Vec<(String, Payload)>;
    }
    ExecutorStore {
        register_executor(_request: RegisterExecutor) -> RegisterOutcome;
        heartbeat(_incarnation: Incarnation) -> HeartbeatOutcome;
        list_executors(_app: &str) -> Vec<ExecutorRecord>;
        expel_executor(_request: ExpelExecutor) -> ExpelOutcome;
        settle(_owner: Owner) -> ();
        retire_executor(_incarnation: Incarnation) -> RetireOutcome;
    }
    ManagementStore {
        cancel_workflows(_request: CancelWorkflows) -> BulkOutcome;
        cancel_expired(_request: CancelExpired) -> Vec<String>;
        resume_workflows(_request: ResumeWorkflows) -> BulkOutcome;
        fork_workflows(_requests: Vec<ForkWorkflow>) -> Vec<ForkOutcome>;
        delete_workflows(_request: DeleteWorkflows) -> BulkOutcome;
        delete_finished(_request: DeleteFinished) -> u64;
        set_attributes(_request: SetAttributes) -> SetAttributesOutcome;
    }
    MessageStore {
        send_message(_request: SendMessage) -> SendOutcome;
        receive_message(_request: ReceiveMessage) -> ReceiveOutcome;
    }
    QueueStore {
        put_queue(_queue: QueueRecord) -> ();
        delete_queue(_app: &str, _name: &str) -> DeleteQueueOutcome;
        list_queues(_app: &str) -> Vec<QueueRecord>;
        dequeue_workflows(_request: DequeueWorkflows) -> DequeuedWorkflows;
        release_delayed(_request: ReleaseDelayed) -> ReleaseOutcome;
        set_delay(_request: SetDelay) -> SetDelayOutcome;
    }
    ScheduleStore {
        create_schedule(_schedule: ScheduleRecord) -> CreateScheduleOutcome;
        apply_schedules(_schedules: Vec<ScheduleRecord>) -> ();
        pause_schedule(_request: PauseSchedule) -> ScheduleOutcome;
        delete_schedule(_app: &str, _name: &str) -> ScheduleOutcome;
        list_schedules(_app: &str) -> Vec<ScheduleRecord>;
        fire_schedule(_request: FireSchedule) -> FireOutcome;
    }
    StepStore {
        record_step(_request: RecordStep) -> RecordOutcome;
        list_steps(_id: &str) -> Vec<StepRecord>;
    }
    StreamStore {
        append_stream(_request: AppendStream) -> AppendOutcome;
        read_stream(_request: ReadStream) -> StreamPage;
    }
    VersionStore {
        register_version(_request: RegisterVersion) -> ();
        set_latest_version(_request: RegisterVersion) -> SetLatestOutcome;
        list_versions(_app: &str) -> Vec<VersionRecord>;
    }
    WakeupStore {
        subscribe() -> Wakeups;
    }
    WorkflowStore {
        insert_workflow(_request: InsertWorkflow) -> InsertOutcome;
        get_workflow(_id: &str, _payloads: Payloads) -> Option<WorkflowRecord>;
        finish_workflow(_request: FinishWorkflow) -> FinishOutcome;
        claim_workflows(_request: ClaimWorkflows) -> ClaimedWorkflows;
    }
}

#[async_trait]
impl LifecycleStore for FencedStore {
    async fn ping(&self) -> StoreResult<()> {
        refused("ping")
    }

    async fn migrate(&self) -> StoreResult<()> {
        refused("migrate")
    }

    async fn verify(&self) -> StoreResult<()> {
        refused("verify")
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription::new("none", "a recorded history", "nothing is written")
    }
}

#[async_trait]
impl OutboxStore for FencedStore {
    async fn send_message_within<'a>(
        &self,
        _request: SendMessage,
        _connection: &'a mut DynConnection,
    ) -> StoreResult<SendOutcome> {
        refused("send_message_within")
    }

    async fn insert_workflow_within<'a>(
        &self,
        _request: InsertWorkflow,
        _connection: &'a mut DynConnection,
    ) -> StoreResult<InsertOutcome> {
        refused("insert_workflow_within")
    }
}

#[async_trait]
impl TransactionStore for FencedStore {
    async fn run_transaction<'a>(
        &self,
        _step: StepRef,
        _body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        refused("run_transaction")
    }
}
