//! A store that lies, for proof that simulations find out.
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use durable::{Payload, store::*};
use store_memory::MemoryStore;

/// What is wrong with a store that lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Checkpoints are written for whoever asks, owner or not.
    NoFence,
    /// An execution that lost its workflow ends it all the same.
    AnyoneFinishes,
    /// Some checkpoints are not written.
    CheckpointsLost,
    /// A checkpoint does not stay as it was.
    CheckpointsRewritten,
    /// Some messages are not there.
    MessagesLost,
    /// A message is there as often as it was asked for.
    MessagesTwice,
    /// One more runs than a queue's limits let through.
    OneMore,
    /// Rates are not minded.
    AnyRate,
    /// Delayed workflows are never due.
    DelaysForgotten,
    /// A tick of a schedule is fired, and its workflow is not there.
    TicksLost,
    /// A request for work takes something, however late it comes.
    NothingSettled,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NoFence,
        Self::AnyoneFinishes,
        Self::CheckpointsLost,
        Self::CheckpointsRewritten,
        Self::MessagesLost,
        Self::MessagesTwice,
        Self::OneMore,
        Self::AnyRate,
        Self::DelaysForgotten,
        Self::TicksLost,
        Self::NothingSettled,
    ];
}

/// A store in memory that tells one lie.
#[derive(Debug)]
pub(super) struct Crooked {
    honest: MemoryStore,
    lie: Lie,
    calls: AtomicU64,
    /// Queues as they were asked for.
    queues: Mutex<BTreeMap<String, QueueRecord>>,
}

impl Crooked {
    pub(super) fn new(lie: Lie) -> Self {
        Self {
            honest: MemoryStore::new(),
            lie,
            calls: AtomicU64::new(0),
            queues: Mutex::default(),
        }
    }

    fn lies(&self, lie: Lie) -> bool {
        self.lie == lie
    }

    /// Now and then.
    fn some(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) % 7 == 3
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<String, QueueRecord>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn owner(&self, id: &str) -> StoreResult<Option<Owner>> {
        let row = self.honest.get_workflow(id, Payloads::Omit).await?;
        Ok(row.and_then(|row| row.owner))
    }
}

#[async_trait]
impl StepStore for Crooked {
    async fn record_step(&self, mut request: RecordStep) -> StoreResult<RecordOutcome> {
        if self.lies(Lie::NoFence)
            && let Some(owner) = self.owner(&request.workflow_id).await?
        {
            request.owner = owner;
        }
        if self.lies(Lie::CheckpointsLost) && self.some() {
            return Ok(RecordOutcome::Recorded);
        }
        self.honest.record_step(request).await
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        let mut steps = self.honest.list_steps(workflow_id).await?;
        // As if later calls wrote earlier ones anew.
        if self.lies(Lie::CheckpointsRewritten)
            && steps.len() > 2
            && let Some(first) = steps.first_mut()
        {
            first.completed_at = first
                .completed_at
                .saturating_add(std::time::Duration::from_millis(1));
        }
        Ok(steps)
    }
}

#[async_trait]
impl MessageStore for Crooked {
    async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome> {
        if self.lies(Lie::MessagesLost) && request.sender.is_none() && self.some() {
            return Ok(SendOutcome::Sent);
        }
        if self.lies(Lie::MessagesTwice) && request.sender.is_none() {
            let mut again = request.clone();
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            again.message_id = format!("again-{call}");
            self.honest.send_message(again).await?;
        }
        self.honest.send_message(request).await
    }

    async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome> {
        self.honest.receive_message(request).await
    }
}

#[async_trait]
impl QueueStore for Crooked {
    async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()> {
        let mut stored = queue.clone();
        for limits in [&mut stored.limits, &mut stored.partition_limits] {
            if self.lies(Lie::OneMore) {
                limits.concurrency = limits.concurrency.map(|limit| limit + 1);
                limits.executor_concurrency = limits.executor_concurrency.map(|limit| limit + 1);
            }
            if self.lies(Lie::AnyRate) {
                limits.rate = None;
            }
        }
        self.queues().insert(queue.name.clone(), queue);
        self.honest.put_queue(stored).await
    }

    async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome> {
        self.honest.delete_queue(app, name).await
    }

    async fn list_queues(&self, _: &str) -> StoreResult<Vec<QueueRecord>> {
        Ok(self.queues().values().cloned().collect())
    }

    async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows> {
        self.honest.dequeue_workflows(request).await
    }

    async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome> {
        if self.lies(Lie::DelaysForgotten) {
            return Ok(ReleaseOutcome::new(0, None));
        }
        self.honest.release_delayed(request).await
    }

    async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome> {
        self.honest.set_delay(request).await
    }
}

#[async_trait]
impl WorkflowStore for Crooked {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        self.honest.insert_workflow(request).await
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        self.honest.get_workflow(id, payloads).await
    }

    async fn finish_workflow(&self, mut request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        if self.lies(Lie::AnyoneFinishes)
            && let Some(owner) = self.owner(&request.workflow_id).await?
        {
            request.owner = owner;
        }
        self.honest.finish_workflow(request).await
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        self.honest.claim_workflows(request).await
    }
}

#[async_trait]
impl TransactionStore for Crooked {
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        self.honest.run_transaction(step, body).await
    }
}

#[async_trait]
impl OutboxStore for Crooked {
    async fn send_message_within<'a>(
        &self,
        request: SendMessage,
        connection: &'a mut DynConnection,
    ) -> StoreResult<SendOutcome> {
        self.honest.send_message_within(request, connection).await
    }

    async fn insert_workflow_within<'a>(
        &self,
        request: InsertWorkflow,
        connection: &'a mut DynConnection,
    ) -> StoreResult<InsertOutcome> {
        self.honest
            .insert_workflow_within(request, connection)
            .await
    }
}

#[async_trait]
impl LifecycleStore for Crooked {
    async fn ping(&self) -> StoreResult<()> {
        self.honest.ping().await
    }

    async fn migrate(&self) -> StoreResult<()> {
        self.honest.migrate().await
    }

    async fn verify(&self) -> StoreResult<()> {
        self.honest.verify().await
    }

    fn describe(&self) -> StoreDescription {
        self.honest.describe()
    }
}

#[async_trait]
impl ScheduleStore for Crooked {
    async fn create_schedule(
        &self,
        schedule: ScheduleRecord,
    ) -> StoreResult<CreateScheduleOutcome> {
        self.honest.create_schedule(schedule).await
    }

    async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()> {
        self.honest.apply_schedules(schedules).await
    }

    async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome> {
        self.honest.pause_schedule(request).await
    }

    async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome> {
        self.honest.delete_schedule(app, name).await
    }

    async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>> {
        self.honest.list_schedules(app).await
    }

    async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome> {
        let mut delete = None;
        if self.lies(Lie::TicksLost) && self.some() {
            delete = request.run.as_ref().map(|run| run.id.clone());
        }
        let answer = self.honest.fire_schedule(request).await;
        if let Some(id) = delete {
            let gone = DeleteWorkflows::new(vec![id]);
            self.honest.delete_workflows(gone).await?;
        }
        answer
    }
}

#[async_trait]
impl ExecutorStore for Crooked {
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome> {
        self.honest.register_executor(request).await
    }

    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome> {
        self.honest.heartbeat(incarnation).await
    }

    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>> {
        self.honest.list_executors(app).await
    }

    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome> {
        self.honest.expel_executor(request).await
    }

    async fn settle(&self, owner: Owner) -> StoreResult<()> {
        match self.lies(Lie::NothingSettled) {
            true => Ok(()),
            false => self.honest.settle(owner).await,
        }
    }

    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome> {
        self.honest.retire_executor(incarnation).await
    }
}

macro_rules! honest {
    ($store:ident { $(async fn $call:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $store for Crooked {
            $(async fn $call(&self $(, $argument: $type)*) -> $answer {
                self.honest.$call($($argument),*).await
            })*
        }
    };
}

honest!(AdministrationStore {
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage>;
});

honest!(AggregateStore {
    async fn aggregate_workflows(&self, request: AggregateWorkflows) -> StoreResult<Vec<WorkflowGroup>>;
});

honest!(ArchiveStore {
    async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>>;
    async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome>;
});

honest!(ChangeStore {
    async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>>;
});

honest!(EventStore {
    async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome>;
    async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup>;
    async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>>;
});

honest!(ManagementStore {
    async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome>;
    async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>>;
    async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome>;
    async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>>;
    async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome>;
    async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64>;
    async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome>;
});

honest!(StreamStore {
    async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome>;
    async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage>;
});

honest!(VersionStore {
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()>;
    async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome>;
    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>>;
});

honest!(WakeupStore {
    async fn subscribe(&self) -> StoreResult<Wakeups>;
});
