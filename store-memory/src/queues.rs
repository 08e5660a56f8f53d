use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        DeleteQueueOutcome, DequeueWorkflows, DequeuedWorkflows, QueueRecord, QueueStore,
        ReleaseDelayed, ReleaseOutcome, SetDelay, SetDelayOutcome, StoreResult, Wakeup,
        WorkflowRecord,
    },
};

use crate::{MemoryStore, dequeue::dequeue, error::check_texts, tables::Tables};

#[async_trait]
impl QueueStore for MemoryStore {
    async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()> {
        let texts = [&queue.app, &queue.name].into_iter();
        let texts = texts.chain(queue.weights.keys()).map(String::as_str);
        check_texts("put_queue", texts)?;
        self.tables_for("put_queue")?
            .queue(&queue.app, &queue.name)
            .record = Some(queue.clone());
        self.hint([Wakeup::Enqueued]);
        Ok(())
    }

    async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome> {
        let mut tables = self.tables_for("delete_queue")?;
        if tables.unfinished(app, name).next().is_some() {
            return Ok(DeleteQueueOutcome::InUse);
        }
        let key = (app.to_owned(), name.to_owned());
        tables.queues.by_name.remove(&key);
        Ok(DeleteQueueOutcome::Deleted)
    }

    async fn list_queues(&self, app: &str) -> StoreResult<Vec<QueueRecord>> {
        let tables = self.shared_tables();
        let records = tables.queues.by_name.values();
        Ok(records
            .filter_map(|queue| queue.record.as_ref())
            .filter(|record| record.app == app)
            .cloned()
            .collect())
    }

    async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows> {
        Ok(dequeue(&mut self.tables(), &request))
    }

    async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome> {
        let answer = release(&mut self.tables(), &request);
        self.hint((answer.released > 0).then_some(Wakeup::Enqueued));
        Ok(answer)
    }

    async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome> {
        let answer = delay(&mut *self.tables_for("set_delay")?, request);
        self.hint((answer == SetDelayOutcome::Set).then_some(Wakeup::Enqueued));
        Ok(answer)
    }
}

fn release(tables: &mut Tables, request: &ReleaseDelayed) -> ReleaseOutcome {
    let mut delayed: Vec<&mut WorkflowRecord> = tables
        .workflows
        .values_mut()
        .filter(|row| row.app == request.app && row.status == WorkflowStatus::Delayed)
        .collect();
    delayed.sort_by(|a, b| (a.delayed_until, &a.id).cmp(&(b.delayed_until, &b.id)));
    let mut answer = ReleaseOutcome::default();
    for row in delayed {
        let is_due = row.delayed_until.is_none_or(|until| until <= request.now);
        if !is_due || answer.released == request.limit {
            answer.next = row.delayed_until;
            break;
        }
        row.status = WorkflowStatus::Enqueued;
        row.updated_at = request.now;
        answer.released += 1;
    }
    answer
}

fn delay(tables: &mut Tables, request: SetDelay) -> SetDelayOutcome {
    let Some(row) = tables.workflows.get_mut(&request.workflow_id) else {
        return SetDelayOutcome::UnknownWorkflow;
    };
    if row.status != WorkflowStatus::Delayed {
        return SetDelayOutcome::NotDelayed(row.status);
    }
    row.delayed_until = Some(request.until);
    row.updated_at = request.now;
    SetDelayOutcome::Set
}
