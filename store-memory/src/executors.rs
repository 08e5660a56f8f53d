use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        ExecutorRecord, ExecutorStore, ExpelExecutor, ExpelOutcome, HeartbeatOutcome, Incarnation,
        Owner, RegisterExecutor, RegisterOutcome, RetireOutcome, StoreResult, Wakeup,
    },
};

use crate::{MemoryStore, error::check_texts, tables::Tables};

#[async_trait]
impl ExecutorStore for MemoryStore {
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome> {
        check_texts(
            "register_executor",
            [&request.app, &request.executor_id, &request.version]
                .into_iter()
                .chain(&request.host)
                .chain(&request.process)
                .map(String::as_str),
        )?;
        let mut tables = self.tables();
        if tables.is_registered(request.incarnation) {
            return Ok(RegisterOutcome::default());
        }
        let superseded: Vec<Incarnation> = tables
            .executors
            .values()
            .filter(|other| {
                (&other.app, &other.executor_id) == (&request.app, &request.executor_id)
            })
            .map(|other| other.incarnation)
            .collect();
        for incarnation in &superseded {
            tables.unregister(*incarnation);
        }
        tables
            .executors
            .insert(request.incarnation, ExecutorRecord::registered(request));
        Ok(RegisterOutcome::new(superseded))
    }

    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome> {
        Ok(match self.tables().executors.get_mut(&incarnation) {
            Some(executor) => {
                executor.beat += 1;
                HeartbeatOutcome::Alive
            }
            None => HeartbeatOutcome::Unknown,
        })
    }

    async fn settle(&self, owner: Owner) -> StoreResult<()> {
        let mut tables = self.tables();
        if tables.is_registered(owner.incarnation) {
            let settled = tables.settled.entry(owner.incarnation).or_default();
            *settled = owner.execution.max(*settled);
        }
        Ok(())
    }

    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>> {
        let mut executors: Vec<ExecutorRecord> = self
            .tables()
            .executors
            .values()
            .filter(|executor| executor.app == app)
            .cloned()
            .collect();
        executors.sort_by(|a, b| a.executor_id.cmp(&b.executor_id));
        Ok(executors)
    }

    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome> {
        let mut tables = self.tables();
        if let Some(executor) = tables.executors.get(&request.incarnation)
            && executor.beat != request.beat
        {
            return Ok(ExpelOutcome::Alive);
        }
        tables.unregister(request.incarnation);
        drop(tables);
        self.hint([Wakeup::Claimable]);
        Ok(ExpelOutcome::Expelled)
    }

    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome> {
        let (released, enqueued) = retire(&mut self.tables(), incarnation);
        self.hint([Wakeup::Claimable]);
        self.hint(enqueued.then_some(Wakeup::Enqueued));
        Ok(RetireOutcome::new(released))
    }
}

/// How many workflows are handed back, and whether any of them to a queue.
fn retire(tables: &mut Tables, incarnation: Incarnation) -> (u64, bool) {
    tables.unregister(incarnation);
    let (mut released, mut enqueued) = (0, false);
    for row in tables.workflows.values_mut() {
        if row.status == WorkflowStatus::Pending
            && row
                .owner
                .is_some_and(|owner| owner.incarnation == incarnation)
        {
            row.owner = None;
            released += 1;
            if row.queue.is_some() {
                row.status = WorkflowStatus::Enqueued;
                enqueued = true;
            }
        }
    }
    (released, enqueued)
}
