//! Work along an index by time, in pieces, so that no script holds the server up. What is damaged is passed over.
use durable_api::store::{CancelExpired, DeleteFinished, StoreResult};
use redis::Value;

use super::bulk::texts;
use crate::{
    RedisStore,
    call::Call,
    error::malformed,
    keys::{before, until},
    reply,
    script::{CANCEL_EXPIRED, DELETE_FINISHED, NOTHING},
};

/// How many workflows one script looks at.
const AT_ONCE: u64 = 1_000;

/// Cancels what is over its deadline.
pub(super) async fn cancel_expired(
    store: &RedisStore,
    request: CancelExpired,
) -> StoreResult<Vec<String>> {
    const OPERATION: &str = "cancel_expired";
    let keys = store.keys();
    let mut cancelled = Vec::new();
    let mut progress = Progress::new(u64::from(request.limit));
    while let Some(wanted) = progress.wanted() {
        let value = Call::new(&CANCEL_EXPIRED, OPERATION, [keys.deadlines(&request.app)])
            .arg(keys.base())
            .arg(&request.app)
            .text(request.now.as_millis())
            .text(until(request.now))
            .text(progress.passed)
            .text(wanted)
            .write(store.link())
            .await?;
        let (looked, ids) = pair(value)
            .and_then(|(looked, ids)| Some((looked, texts(ids)?)))
            .ok_or_else(|| malformed(OPERATION, "the answer"))?;
        progress.note(wanted, looked, ids.len() as u64);
        cancelled.extend(ids);
    }
    Ok(cancelled)
}

/// Deletes what ended long ago.
pub(super) async fn delete_finished(
    store: &RedisStore,
    request: DeleteFinished,
) -> StoreResult<u64> {
    const OPERATION: &str = "delete_finished";
    let is_bounded = request.completed_before.is_some() || request.keep_latest.is_some();
    if !is_bounded || request.limit == 0 {
        store.change(Call::new(&NOTHING, OPERATION, [])).await?;
        return Ok(0);
    }
    let keys = store.keys();
    let mut progress = Progress::new(u64::from(request.limit));
    while let Some(wanted) = progress.wanted() {
        let call = Call::new(&DELETE_FINISHED, OPERATION, [keys.finished(&request.app)])
            .arg(keys.base())
            .arg(&request.app)
            .text(
                request
                    .completed_before
                    .map_or_else(|| "+".to_owned(), before),
            )
            .text(request.keep_latest.unwrap_or_default())
            .text(progress.passed)
            .text(wanted);
        let value = store.change(call).await?;
        let (looked, deleted) = pair(value)
            .and_then(|(looked, deleted)| match deleted {
                Value::Int(count) => Some((looked, u64::try_from(count).ok()?)),
                _ => None,
            })
            .ok_or_else(|| malformed(OPERATION, "the answer"))?;
        progress.note(wanted, looked, deleted);
    }
    Ok(progress.changed)
}

/// How far a walk along an index has come.
struct Progress {
    limit: u64,
    changed: u64,
    /// Damaged ones, which stay where they are, at the beginning.
    passed: u64,
    is_over: bool,
}

impl Progress {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            changed: 0,
            passed: 0,
            is_over: false,
        }
    }

    /// How many to look at next; `None` when the walk is over.
    fn wanted(&self) -> Option<u64> {
        let wanted = self.limit.saturating_sub(self.changed).min(AT_ONCE);
        (wanted > 0 && !self.is_over).then_some(wanted)
    }

    fn note(&mut self, wanted: u64, looked: u64, changed: u64) {
        self.changed += changed;
        self.passed += looked.saturating_sub(changed);
        self.is_over = looked < wanted;
    }
}

/// How many a script looked at, and what it says beside that.
fn pair(value: Value) -> Option<(u64, Value)> {
    let mut values = reply::array(value)?.into_iter();
    match (values.next()?, values.next()?) {
        (Value::Int(looked), rest) => Some((u64::try_from(looked).ok()?, rest)),
        _ => None,
    }
}
