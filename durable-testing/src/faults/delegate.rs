//! Every method goes by [`FaultyStore::call`].
use std::sync::Arc;

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
        SetLatestOutcome, StepRecord, StepRef, StepStore, StoreDescription, StoreResult,
        StreamPage, StreamStore, TransactionOutcome, TransactionStore, VersionRecord, VersionStore,
        WakeupStore, Wakeups, WorkflowArchive, WorkflowFilter, WorkflowGroup, WorkflowPage,
        WorkflowRecord, WorkflowStore,
    },
};

use super::{FaultyStore, site::Site};

/// The call of the inner store, which can be carried out whatever becomes of its caller.
macro_rules! sent {
    ($self:ident.$method:ident($($argument:ident),*)) => {{
        let store = Arc::clone(&$self.inner);
        async move { store.$method($($argument),*).await }
    }};
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl AdministrationStore for FaultyStore {
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage> {
        self.look("list_workflows", self.inner.list_workflows(filter))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl AggregateStore for FaultyStore {
    async fn aggregate_workflows(
        &self,
        request: AggregateWorkflows,
    ) -> StoreResult<Vec<WorkflowGroup>> {
        self.look(
            "aggregate_workflows",
            self.inner.aggregate_workflows(request),
        )
        .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ArchiveStore for FaultyStore {
    async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>> {
        self.look(
            Site::of("export_workflow", workflow_id),
            self.inner.export_workflow(workflow_id),
        )
        .await
    }

    async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome> {
        self.call("import_workflow", sent!(self.import_workflow(archive)))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ChangeStore for FaultyStore {
    async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>> {
        self.call(change.operation(), sent!(self.change(by, change)))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl EventStore for FaultyStore {
    async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome> {
        let site = Site::of_step("set_event", &request.step);
        self.call(site, sent!(self.set_event(request))).await
    }

    async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup> {
        self.look(
            Site::of("get_event", workflow_id),
            self.inner.get_event(workflow_id, key),
        )
        .await
    }

    async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>> {
        self.look(
            Site::of("list_events", workflow_id),
            self.inner.list_events(workflow_id),
        )
        .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ExecutorStore for FaultyStore {
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome> {
        self.call("register_executor", sent!(self.register_executor(request)))
            .await
    }

    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome> {
        self.look("heartbeat", self.inner.heartbeat(incarnation))
            .await
    }

    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>> {
        self.look("list_executors", self.inner.list_executors(app))
            .await
    }

    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome> {
        self.call("expel_executor", sent!(self.expel_executor(request)))
            .await
    }

    async fn settle(&self, owner: Owner) -> StoreResult<()> {
        let site = Site::from("settle").by(owner);
        self.call(site, sent!(self.settle(owner))).await
    }

    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome> {
        self.call("retire_executor", sent!(self.retire_executor(incarnation)))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl LifecycleStore for FaultyStore {
    async fn ping(&self) -> StoreResult<()> {
        self.look("ping", self.inner.ping()).await
    }

    async fn migrate(&self) -> StoreResult<()> {
        self.look("migrate", self.inner.migrate()).await
    }

    async fn verify(&self) -> StoreResult<()> {
        self.look("verify", self.inner.verify()).await
    }

    fn describe(&self) -> StoreDescription {
        self.inner.describe()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ManagementStore for FaultyStore {
    async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome> {
        self.call("cancel_workflows", sent!(self.cancel_workflows(request)))
            .await
    }

    async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>> {
        self.judged(
            "cancel_expired",
            sent!(self.cancel_expired(request)),
            |ids| !ids.is_empty(),
        )
        .await
    }

    async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome> {
        self.call("resume_workflows", sent!(self.resume_workflows(request)))
            .await
    }

    async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>> {
        self.call("fork_workflows", sent!(self.fork_workflows(requests)))
            .await
    }

    async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome> {
        self.call("delete_workflows", sent!(self.delete_workflows(request)))
            .await
    }

    async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64> {
        self.call("delete_finished", sent!(self.delete_finished(request)))
            .await
    }

    async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome> {
        let site = Site::of("set_attributes", &request.workflow_id);
        self.call(site, sent!(self.set_attributes(request))).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageStore for FaultyStore {
    async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome> {
        let site = match &request.sender {
            Some(step) => Site::of_step("send_message", step),
            None => Site::of("send_message", &request.destination),
        };
        self.call(site, sent!(self.send_message(request))).await
    }

    async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome> {
        let site = Site::of_step("receive_message", &request.step);
        self.judged(site, sent!(self.receive_message(request)), |answer| {
            *answer != ReceiveOutcome::Empty
        })
        .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl OutboxStore for FaultyStore {
    async fn send_message_within<'a>(
        &self,
        request: SendMessage,
        connection: &'a mut DynConnection,
    ) -> StoreResult<SendOutcome> {
        let call = self.inner.send_message_within(request, connection);
        self.lend("send_message_within", call).await
    }

    async fn insert_workflow_within<'a>(
        &self,
        request: InsertWorkflow,
        connection: &'a mut DynConnection,
    ) -> StoreResult<InsertOutcome> {
        let call = self.inner.insert_workflow_within(request, connection);
        self.lend("insert_workflow_within", call).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl QueueStore for FaultyStore {
    async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()> {
        self.call("put_queue", sent!(self.put_queue(queue))).await
    }

    async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome> {
        self.lend("delete_queue", self.inner.delete_queue(app, name))
            .await
    }

    async fn list_queues(&self, app: &str) -> StoreResult<Vec<QueueRecord>> {
        self.look("list_queues", self.inner.list_queues(app)).await
    }

    async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows> {
        self.judged(
            "dequeue_workflows",
            sent!(self.dequeue_workflows(request)),
            |answer| !answer.taken.is_empty(),
        )
        .await
    }

    async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome> {
        self.judged(
            "release_delayed",
            sent!(self.release_delayed(request)),
            |answer| answer.released > 0,
        )
        .await
    }

    async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome> {
        let site = Site::of("set_delay", &request.workflow_id);
        self.call(site, sent!(self.set_delay(request))).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ScheduleStore for FaultyStore {
    async fn create_schedule(
        &self,
        schedule: ScheduleRecord,
    ) -> StoreResult<CreateScheduleOutcome> {
        self.call("create_schedule", sent!(self.create_schedule(schedule)))
            .await
    }

    async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()> {
        self.call("apply_schedules", sent!(self.apply_schedules(schedules)))
            .await
    }

    async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome> {
        self.call("pause_schedule", sent!(self.pause_schedule(request)))
            .await
    }

    async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome> {
        self.lend("delete_schedule", self.inner.delete_schedule(app, name))
            .await
    }

    async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>> {
        self.look("list_schedules", self.inner.list_schedules(app))
            .await
    }

    async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome> {
        self.call("fire_schedule", sent!(self.fire_schedule(request)))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl StepStore for FaultyStore {
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome> {
        let site = Site::of("record_step", &request.workflow_id)
            .step(request.step.step_id)
            .by(request.owner);
        self.call(site, sent!(self.record_step(request))).await
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        self.look(
            Site::of("list_steps", workflow_id),
            self.inner.list_steps(workflow_id),
        )
        .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl StreamStore for FaultyStore {
    async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome> {
        let site = Site::of_step("append_stream", &request.step);
        self.call(site, sent!(self.append_stream(request))).await
    }

    async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage> {
        let site = Site::of("read_stream", &request.workflow_id);
        self.look(site, self.inner.read_stream(request)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TransactionStore for FaultyStore {
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        let site = Site::of_step("run_transaction", &step);
        let call = self.inner.run_transaction(step, body);
        self.lend(site, call).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl VersionStore for FaultyStore {
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()> {
        self.call("register_version", sent!(self.register_version(request)))
            .await
    }

    async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome> {
        self.call(
            "set_latest_version",
            sent!(self.set_latest_version(request)),
        )
        .await
    }

    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>> {
        self.look("list_versions", self.inner.list_versions(app))
            .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl WakeupStore for FaultyStore {
    async fn subscribe(&self) -> StoreResult<Wakeups> {
        let hints = self.look("subscribe", self.inner.subscribe()).await?;
        let hints = self.with_echoes(hints);
        Ok(match &self.line {
            Some(line) => line.hints(hints),
            None => hints,
        })
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl WorkflowStore for FaultyStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        let site = Site::of("insert_workflow", &request.id);
        self.call(site, sent!(self.insert_workflow(request))).await
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        self.look(
            Site::of("get_workflow", id),
            self.inner.get_workflow(id, payloads),
        )
        .await
    }

    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        let site = Site::of("finish_workflow", &request.workflow_id).by(request.owner);
        self.call(site, sent!(self.finish_workflow(request))).await
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        self.judged(
            "claim_workflows",
            sent!(self.claim_workflows(request)),
            |answer| {
                !(answer.claimed.is_empty()
                    && answer.requeued.is_empty()
                    && answer.dead_lettered.is_empty())
            },
        )
        .await
    }
}
