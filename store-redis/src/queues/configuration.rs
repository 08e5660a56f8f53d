use durable_api::store::{QueueRecord, StoreError, StoreResult};

use crate::{
    RedisStore,
    call::Call,
    error::{check_texts, corrupt, invalid, malformed},
    reply,
    script::PUT_QUEUE,
};

/// Stores a queue's configuration, as JSON, which `scripts/limits.lua` reads too.
pub(super) async fn put(store: &RedisStore, queue: QueueRecord) -> StoreResult<()> {
    const OPERATION: &str = "put_queue";
    let texts = [&queue.app, &queue.name].into_iter();
    check_texts(
        OPERATION,
        texts.chain(queue.weights.keys()).map(String::as_str),
    )?;
    let record = serde_json::to_string(&queue)
        .map_err(|_| invalid(OPERATION, "the queue cannot be written as JSON"))?;
    let has_rate = queue.limits.rate.is_some() || queue.partition_limits.rate.is_some();
    let call = Call::new(&PUT_QUEUE, OPERATION, [store.keys().queues(&queue.app)])
        .arg(store.keys().base())
        .arg(&queue.app)
        .arg(&queue.name)
        .arg(&record)
        .text(u8::from(has_rate));
    let value = store.change(call).await?;
    match reply::answer(value) {
        Some((answer, _)) if answer == "put" => Ok(()),
        _ => Err(malformed(OPERATION, "the answer")),
    }
}

/// The queues of an application that have a configuration.
pub(super) async fn list(store: &RedisStore, app: &str) -> StoreResult<Vec<QueueRecord>> {
    const OPERATION: &str = "list_queues";
    let mut cmd = redis::cmd("HGETALL");
    cmd.arg(store.keys().queues(app));
    let found = store.link().read(OPERATION, &cmd).await?;
    let mut queues = reply::pairs(found)
        .ok_or_else(|| malformed(OPERATION, &format!("a queue of application `{app}`")))?
        .into_iter()
        .map(|(name, record)| read(OPERATION, app, name, &record))
        .collect::<StoreResult<Vec<_>>>()?;
    queues.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(queues)
}

fn read(
    operation: &'static str,
    app: &str,
    name: Vec<u8>,
    record: &[u8],
) -> StoreResult<QueueRecord> {
    let name = String::from_utf8_lossy(&name);
    let damaged = |reason: &str| -> StoreError {
        corrupt(
            operation,
            format!("queue `{name}` of application `{app}`: {reason}; register it again"),
        )
    };
    let queue: QueueRecord =
        serde_json::from_slice(record).map_err(|error| damaged(&error.to_string()))?;
    match queue.app == app && queue.name == name {
        true => Ok(queue),
        false => Err(damaged("its configuration is another's")),
    }
}
