//! Every method goes by [`FaultyStore::call`].
use async_trait::async_trait;
use durable_api::store::{
    AdministrationStore, ClaimWorkflows, ClaimedWorkflows, ExecutorRecord, ExecutorStore,
    ExpelExecutor, ExpelOutcome, FinishOutcome, FinishWorkflow, HeartbeatOutcome, Incarnation,
    InsertOutcome, InsertWorkflow, LifecycleStore, Payloads, RecordOutcome, RecordStep,
    RegisterExecutor, RegisterOutcome, RegisterVersion, RetireOutcome, StepRecord, StepStore,
    StoreDescription, StoreResult, VersionRecord, VersionStore, WorkflowFilter, WorkflowPage,
    WorkflowRecord, WorkflowStore,
};

use super::FaultyStore;

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl AdministrationStore for FaultyStore {
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage> {
        self.call("list_workflows", self.inner.list_workflows(filter))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ExecutorStore for FaultyStore {
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome> {
        self.call("register_executor", self.inner.register_executor(request))
            .await
    }

    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome> {
        self.call("heartbeat", self.inner.heartbeat(incarnation))
            .await
    }

    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>> {
        self.call("list_executors", self.inner.list_executors(app))
            .await
    }

    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome> {
        self.call("expel_executor", self.inner.expel_executor(request))
            .await
    }

    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome> {
        self.call("retire_executor", self.inner.retire_executor(incarnation))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl LifecycleStore for FaultyStore {
    async fn ping(&self) -> StoreResult<()> {
        self.call("ping", self.inner.ping()).await
    }

    async fn migrate(&self) -> StoreResult<()> {
        self.call("migrate", self.inner.migrate()).await
    }

    async fn verify(&self) -> StoreResult<()> {
        self.call("verify", self.inner.verify()).await
    }

    fn describe(&self) -> StoreDescription {
        self.inner.describe()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl StepStore for FaultyStore {
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome> {
        self.call("record_step", self.inner.record_step(request))
            .await
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        self.call("list_steps", self.inner.list_steps(workflow_id))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl VersionStore for FaultyStore {
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()> {
        self.call("register_version", self.inner.register_version(request))
            .await
    }

    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>> {
        self.call("list_versions", self.inner.list_versions(app))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl WorkflowStore for FaultyStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        self.call("insert_workflow", self.inner.insert_workflow(request))
            .await
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        self.call("get_workflow", self.inner.get_workflow(id, payloads))
            .await
    }

    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        self.call("finish_workflow", self.inner.finish_workflow(request))
            .await
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        self.call("claim_workflows", self.inner.claim_workflows(request))
            .await
    }
}
