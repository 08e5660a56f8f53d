use async_trait::async_trait;

use super::{
    AdministrationStore, ClaimWorkflows, ClaimedWorkflows, ExecutorRecord, ExecutorStore,
    ExpelExecutor, ExpelOutcome, FinishOutcome, FinishWorkflow, HeartbeatOutcome, Incarnation,
    InsertOutcome, InsertWorkflow, LifecycleStore, Payloads, RecordOutcome, RecordStep,
    RegisterExecutor, RegisterOutcome, RegisterVersion, RetireOutcome, StepRecord, StepStore,
    StoreDescription, StoreResult, VersionRecord, VersionStore, WorkflowFilter, WorkflowPage,
    WorkflowRecord, WorkflowStore,
};

mockall::mock! {
    /// A store made of expectations, for tests of what stands above a store.
    #[derive(Debug)]
    pub SystemStore {}

    #[async_trait]
    impl AdministrationStore for SystemStore {
        async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage>;
    }

    #[async_trait]
    impl ExecutorStore for SystemStore {
        async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome>;
        async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome>;
        async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>>;
        async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome>;
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
    impl StepStore for SystemStore {
        async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome>;
        async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>>;
    }

    #[async_trait]
    impl VersionStore for SystemStore {
        async fn register_version(&self, request: RegisterVersion) -> StoreResult<()>;
        async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>>;
    }

    #[async_trait]
    impl WorkflowStore for SystemStore {
        async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome>;
        async fn get_workflow(&self, id: &str, payloads: Payloads) -> StoreResult<Option<WorkflowRecord>>;
        async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome>;
        async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows>;
    }
}
