mod configuration;
mod dequeue;

use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{
        DeleteQueueOutcome, DequeueWorkflows, DequeuedWorkflows, QueueRecord, QueueStore,
        ReleaseDelayed, ReleaseOutcome, SetDelay, SetDelayOutcome, StoreResult,
    },
};
use redis::Value;

use crate::{
    RedisStore,
    call::Call,
    error::malformed,
    management::bulk::answered,
    reply,
    script::{DELETE_QUEUE, RELEASE_DELAYED, SET_DELAY},
    steps::about,
};

/// How many workflows one script releases.
const RELEASED_AT_ONCE: u32 = 1_000;

/// How many damaged ones it passes over.
const PASSED_OVER: u32 = 10_000;

#[async_trait]
impl QueueStore for RedisStore {
    async fn put_queue(&self, queue: QueueRecord) -> StoreResult<()> {
        configuration::put(self, queue).await
    }

    async fn delete_queue(&self, app: &str, name: &str) -> StoreResult<DeleteQueueOutcome> {
        const OPERATION: &str = "delete_queue";
        let call = Call::new(&DELETE_QUEUE, OPERATION, [self.keys().queues(app)])
            .arg(self.keys().base())
            .arg(app)
            .arg(name);
        let value = self.change(call).await?;
        match reply::answer(value).as_ref().map(|(name, _)| name.as_str()) {
            Some("deleted") => Ok(DeleteQueueOutcome::Deleted),
            Some("in_use") => Ok(DeleteQueueOutcome::InUse),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    /// # Errors
    /// `Corrupt`, naming the queue, when one cannot be read. Nothing is taken from such a queue, since its limits are not known.
    async fn list_queues(&self, app: &str) -> StoreResult<Vec<QueueRecord>> {
        configuration::list(self, app).await
    }

    /// One script. What it does grows with what it takes, and with the partitions that a limit of theirs holds back (of which there are no more than workflows
    /// run, or started in the period of the rate); not with what waits. From a queue whose configuration is damaged it takes nothing.
    async fn dequeue_workflows(&self, request: DequeueWorkflows) -> StoreResult<DequeuedWorkflows> {
        dequeue::dequeue(self, request).await
    }

    /// Releases a thousand at a time, each thousand in a script of its own.
    async fn release_delayed(&self, request: ReleaseDelayed) -> StoreResult<ReleaseOutcome> {
        const OPERATION: &str = "release_delayed";
        let keys = self.keys();
        let mut outcome = ReleaseOutcome::default();
        loop {
            let wanted = (request.limit - outcome.released).min(RELEASED_AT_ONCE);
            let value = Call::new(&RELEASE_DELAYED, OPERATION, [keys.delayed(&request.app)])
                .arg(keys.base())
                .arg(&request.app)
                .text(request.now.as_millis())
                .text(wanted)
                .text(PASSED_OVER)
                .write(self.link())
                .await?;
            let (released, next) =
                released(value, wanted).ok_or_else(|| malformed(OPERATION, "the answer"))?;
            outcome.released += released;
            outcome.next = next;
            let is_over = released < wanted || outcome.released >= request.limit;
            if is_over || next.is_none_or(|next| next > request.now) {
                return Ok(outcome);
            }
        }
    }

    async fn set_delay(&self, request: SetDelay) -> StoreResult<SetDelayOutcome> {
        const OPERATION: &str = "set_delay";
        let id = &request.workflow_id;
        let call = Call::new(&SET_DELAY, OPERATION, [self.keys().workflow(id)])
            .arg(self.keys().base())
            .arg(id)
            .text(request.until.as_millis())
            .text(request.now.as_millis());
        let value = self.change(call).await.map_err(|error| about(error, id))?;
        let unreadable = || malformed(OPERATION, "the answer");
        let (answer, mut values) = answered(OPERATION, value)?;
        match answer.as_str() {
            "set" => Ok(SetDelayOutcome::Set),
            "unknown_workflow" => Ok(SetDelayOutcome::UnknownWorkflow),
            "not_delayed" => values
                .next()
                .and_then(reply::text)
                .and_then(|status| status.parse().ok())
                .map(SetDelayOutcome::NotDelayed)
                .ok_or_else(unreadable),
            _ => Err(unreadable()),
        }
    }
}

/// How many of those that were wanted were released, and when the next is due.
fn released(value: Value, wanted: u32) -> Option<(u32, Option<Timestamp>)> {
    let mut values = reply::array(value)?.into_iter();
    let released = match values.next()? {
        Value::Int(count) => u32::try_from(count).ok().filter(|count| *count <= wanted)?,
        _ => return None,
    };
    Some((released, reply::time(values.next()?)?))
}
