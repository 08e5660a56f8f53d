//! Queues: their configurations, the delays before them, and taking from them.
mod config;
mod delays;
mod dequeue;

use async_trait::async_trait;
use durable_api::store::{
    DeleteQueueOutcome, DequeueWorkflows, DequeuedWorkflows, QueueRecord, QueueStore,
    ReleaseDelayed, ReleaseOutcome, SetDelay, SetDelayOutcome, StoreResult, Wakeup,
};

pub(crate) use dequeue::Turns;

use crate::{PostgresStore, writes::check};

#[async_trait]
impl QueueStore for PostgresStore {
    async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()> {
        let put = config::put(&self.database, &queue).await;
        put.map_err(|failure| failure.into_store_error("put_queue"))?;
        self.hints.give([Wakeup::Enqueued]).await;
        Ok(())
    }

    async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome> {
        config::delete(&self.database, app, name)
            .await
            .map_err(|failure| failure.into_store_error("delete_queue"))
    }

    async fn list_queues(&self, app: &str) -> StoreResult<Vec<QueueRecord>> {
        config::list(&self.database, app)
            .await
            .map_err(|failure| failure.into_store_error("list_queues"))
    }

    async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows> {
        let names = request.workflows.iter().map(|one| one.name.as_str());
        let queues = request.queues.iter().flatten().map(String::as_str);
        let texts = [&*request.app, &request.version, &request.executor_id];
        let texts = names.chain(queues).chain(texts);
        let dequeued = match check(texts, None, [request.owner]) {
            Ok(()) => dequeue::dequeue(&self.database, &self.turns, &request).await,
            Err(failure) => Err(failure),
        };
        dequeued.map_err(|failure| failure.into_store_error("dequeue_workflows"))
    }

    async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome> {
        let released = delays::release(&self.database, &request).await;
        let released = released.map_err(|failure| failure.into_store_error("release_delayed"))?;
        if released.released > 0 {
            self.hints.post([Wakeup::Enqueued]);
        }
        Ok(released)
    }

    async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome> {
        let set = delays::set_delay(&self.database, &request).await;
        let set = set.map_err(|failure| failure.into_store_error("set_delay"))?;
        if set == SetDelayOutcome::Set {
            self.hints.give([Wakeup::Enqueued]).await;
        }
        Ok(set)
    }
}
