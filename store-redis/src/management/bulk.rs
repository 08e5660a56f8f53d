use durable_api::{
    WorkflowStatus,
    store::{BulkOutcome, StoreResult},
};
use redis::Value;

use crate::{
    RedisStore,
    call::Call,
    error::{damaged, malformed},
    reply,
};

/// Runs a script about workflows, whose ids are its last arguments.
pub(super) async fn run<'a>(
    store: &RedisStore,
    operation: &'static str,
    mut call: Call<'a>,
    ids: &'a [String],
) -> StoreResult<BulkOutcome> {
    let mut ids: Vec<&String> = ids.iter().collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        call = call.arg(id);
    }
    let (answer, values) = answered(operation, store.change(call).await?)?;
    let values: Option<[Value; 4]> = values.collect::<Vec<_>>().try_into().ok();
    values
        .filter(|_| answer == "done")
        .and_then(|values| outcome(operation, values))
        .ok_or_else(|| malformed(operation, "the answer"))
}

/// A script's answer, and what comes with it; an error, if it says that something is damaged.
pub(crate) fn answered(
    operation: &'static str,
    value: Value,
) -> StoreResult<(String, std::vec::IntoIter<Value>)> {
    let unreadable = || malformed(operation, "the answer");
    let (answer, values) = reply::answer(value).ok_or_else(unreadable)?;
    if answer == "damaged" {
        let (id, reason) = reply::fault(values).ok_or_else(unreadable)?;
        return Err(damaged(operation, &id, &reason));
    }
    Ok((answer, values))
}

fn outcome(
    operation: &'static str,
    [changed, unchanged, unknown, faults]: [Value; 4],
) -> Option<BulkOutcome> {
    let mut outcome = BulkOutcome::new();
    outcome.changed = texts(changed)?;
    outcome.changed.sort_unstable();
    outcome.unchanged = reply::array(unchanged)?
        .into_iter()
        .map(standing)
        .collect::<Option<_>>()?;
    outcome
        .unchanged
        .sort_by(|(one, _), (other, _)| one.cmp(other));
    outcome.unknown = texts(unknown)?;
    outcome.unknown.sort_unstable();
    for fault in reply::array(faults)? {
        let (workflow_id, reason) = reply::fault(reply::array(fault)?)?;
        tracing::warn!(
            operation,
            workflow_id,
            reason,
            "a damaged workflow was passed over"
        );
    }
    Some(outcome)
}

/// An id and a status.
fn standing(value: Value) -> Option<(String, WorkflowStatus)> {
    let mut pair = reply::array(value)?.into_iter();
    let id = reply::text(pair.next()?)?;
    Some((id, reply::text(pair.next()?)?.parse().ok()?))
}

/// The texts of an array.
pub(crate) fn texts(value: Value) -> Option<Vec<String>> {
    reply::array(value)?.into_iter().map(reply::text).collect()
}
