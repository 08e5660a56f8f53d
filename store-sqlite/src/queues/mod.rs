mod configuration;
mod delays;
mod dequeue;
mod rounds;

use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{
        DeleteQueueOutcome, DequeueWorkflows, DequeuedWorkflows, QueueRecord, QueueStore,
        ReleaseDelayed, ReleaseOutcome, SetDelay, SetDelayOutcome, StoreError, StoreErrorKind,
        StoreResult,
    },
};

use crate::{
    SqliteStore, error::check_texts, record::time, sql::values, steps::check_owner,
    writer::Write as _,
};
use configuration::{DeleteQueue, LIST, configuration};
use dequeue::Dequeue;
pub(crate) use rounds::Rounds;

#[async_trait]
impl QueueStore for SqliteStore {
    async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()> {
        check_texts(
            QueueRecord::OPERATION,
            [queue.app.as_str(), &queue.name]
                .into_iter()
                .chain(queue.weights.keys().map(String::as_str)),
        )?;
        self.change(queue).await
    }

    async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome> {
        self.change(DeleteQueue {
            app: app.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    async fn list_queues(&self, app: &str) -> StoreResult<Vec<QueueRecord>> {
        let rows = self
            .readers
            .fetch_all("list_queues", LIST, values![app])
            .await?;
        let mut queues = Vec::with_capacity(rows.len());
        for row in &rows {
            match configuration(row) {
                Ok(queue) => queues.push(queue),
                // One that cannot be read takes nothing from the others.
                Err(reason) => tracing::error!(app, %reason, "a queue's configuration is damaged"),
            }
        }
        Ok(queues)
    }

    async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows> {
        check_texts(Dequeue::OPERATION, [request.executor_id.as_str()])?;
        check_owner(Dequeue::OPERATION, request.owner)?;
        // A look does not ask for the lock of the file, and mostly there is nothing to do.
        match self.look(&request).await? {
            None => Ok(DequeuedWorkflows::new()),
            Some(idle) => {
                let first_queue = self.rounds.next_queue();
                self.write(Dequeue {
                    request,
                    idle,
                    first_queue,
                })
                .await
            }
        }
    }

    async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome> {
        let next = self.next_delayed(&request.app).await?;
        if next.is_none_or(|next| next > request.now) {
            return Ok(ReleaseOutcome::new(0, next));
        }
        self.write(request).await
    }

    async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome> {
        self.change(request).await
    }
}

impl SqliteStore {
    /// When the next delayed workflow is due.
    async fn next_delayed(&self, app: &str) -> StoreResult<Option<Timestamp>> {
        let rows = self
            .readers
            .fetch_all(ReleaseDelayed::OPERATION, delays::NEXT, values![app])
            .await?;
        let next = rows.first().map(|row| time(row, "next"));
        next.transpose().map_err(|reason| {
            StoreError::new(StoreErrorKind::Corrupt, ReleaseDelayed::OPERATION).with_message(reason)
        })
    }
}
