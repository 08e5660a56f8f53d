use async_trait::async_trait;

use super::*;
use crate::Payload;

mockall::mock! {
    /// A store made of expectations, for tests of what stands above a store.
    #[derive(Debug)]
    pub SystemStore {}

    #[async_trait]
    impl AdministrationStore for SystemStore {
        async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage>;
    }

    #[async_trait]
    impl AggregateStore for SystemStore {
        async fn aggregate_workflows(&self, request: AggregateWorkflows) -> StoreResult<Vec<WorkflowGroup>>;
    }

    #[async_trait]
    impl ArchiveStore for SystemStore {
        async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>>;
        async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome>;
    }

    #[async_trait]
    impl ChangeStore for SystemStore {
        async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>>;
    }

    #[async_trait]
    impl EventStore for SystemStore {
        async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome>;
        async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup>;
        async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>>;
    }

    #[async_trait]
    impl ExecutorStore for SystemStore {
        async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome>;
        async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome>;
        async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>>;
        async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome>;
        async fn settle(&self, owner: Owner) -> StoreResult<()>;
        async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome>;
    }

    #[async_trait]
    impl LifecycleStore for SystemStore {
        async fn ping(&self) -> StoreResult<()>;
        async fn migrate(&self) -> StoreResult<()>;
        async fn verify(&self) -> StoreResult<()>;
        fn describe(&self) -> StoreDescription;
    }

    #[async_trait]
    impl ManagementStore for SystemStore {
        async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome>;
        async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>>;
        async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome>;
        async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>>;
        async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome>;
        async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64>;
        async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome>;
    }

    #[async_trait]
    impl MessageStore for SystemStore {
        async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome>;
        async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome>;
    }

    #[async_trait]
    impl OutboxStore for SystemStore {
        async fn send_message_within<'a>(&self, request: SendMessage, connection: &'a mut DynConnection) -> StoreResult<SendOutcome>;
        async fn insert_workflow_within<'a>(&self, request: InsertWorkflow, connection: &'a mut DynConnection) -> StoreResult<InsertOutcome>;
    }

    #[async_trait]
    impl QueueStore for SystemStore {
        async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()>;
        async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome>;
        async fn list_queues(&self, app: &str) -> StoreResult<Vec<QueueRecord>>;
        async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows>;
        async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome>;
        async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome>;
    }

    #[async_trait]
    impl ScheduleStore for SystemStore {
        async fn create_schedule(&self, schedule: ScheduleRecord) -> StoreResult<CreateScheduleOutcome>;
        async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()>;
        async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome>;
        async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome>;
        async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>>;
        async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome>;
    }

    #[async_trait]
    impl StepStore for SystemStore {
        async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome>;
        async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>>;
    }

    #[async_trait]
    impl StreamStore for SystemStore {
        async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome>;
        async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage>;
    }

    #[async_trait]
    impl TransactionStore for SystemStore {
        async fn run_transaction<'a>(&self, step: StepRef, body: &'a DynBody<'a>) -> StoreResult<TransactionOutcome>;
    }

    #[async_trait]
    impl VersionStore for SystemStore {
        async fn register_version(&self, request: RegisterVersion) -> StoreResult<()>;
        async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome>;
        async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>>;
    }

    #[async_trait]
    impl WakeupStore for SystemStore {
        async fn subscribe(&self) -> StoreResult<Wakeups>;
    }

    #[async_trait]
    impl WorkflowStore for SystemStore {
        async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome>;
        async fn get_workflow(&self, id: &str, payloads: Payloads) -> StoreResult<Option<WorkflowRecord>>;
        async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome>;
        async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows>;
    }
}
