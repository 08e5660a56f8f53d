use durable_api::store::{
    ClaimWorkflows, ClaimedWorkflow, ClaimedWorkflows, DamagedWorkflow, StoreResult,
};
use redis::Value;

use super::check_owner;
use crate::{
    RedisStore,
    call::Call,
    error::{check_texts, malformed},
    record, reply,
    script::CLAIM_WORKFLOWS,
    steps::history,
};

const OPERATION: &str = "claim_workflows";

/// What one script does at most, beyond the request's limit, so that it does not hold the server up:
/// one workflow more than fits is still taken.
pub(crate) mod bounds {
    /// Rows looked at beyond the limit, because damaged ones were among them.
    pub(crate) const ROWS: u64 = 1_000;
    /// Checkpoints read.
    pub(crate) const CHECKPOINTS: u32 = 10_000;
    /// Bytes of inputs and checkpoints read.
    pub(crate) const BYTES: u32 = 32 << 20;
}

/// Takes over what nobody runs.
pub(super) async fn claim(
    store: &RedisStore,
    request: ClaimWorkflows,
) -> StoreResult<ClaimedWorkflows> {
    check_texts(OPERATION, [request.executor_id.as_str()])?;
    check_owner(OPERATION, request.owner)?;
    let keys = store.keys();
    let mut call = Call::new(
        &CLAIM_WORKFLOWS,
        OPERATION,
        [keys.executor(request.owner.incarnation)],
    )
    .arg(keys.base())
    .text(request.owner.incarnation)
    .text(request.owner.execution)
    .arg(&request.executor_id)
    .arg(&request.app)
    .arg(&request.version)
    .text(u8::from(request.unversioned))
    .text(request.now.as_millis())
    .text(request.limit)
    .text(u64::from(request.limit) + bounds::ROWS)
    .text(bounds::CHECKPOINTS)
    .text(bounds::BYTES);
    for workflow in &request.workflows {
        call = call
            .arg(&workflow.name)
            .text(workflow.max_recovery_attempts);
    }
    let value = call.write(store.link()).await?;
    answer(value).ok_or_else(|| malformed(OPERATION, "the answer"))
}

fn answer(value: Value) -> Option<ClaimedWorkflows> {
    let mut values = reply::array(value)?.into_iter();
    let mut answer = ClaimedWorkflows::new();
    answer.more = reply::text(values.next()?)? == "1";
    for value in reply::array(values.next()?)? {
        let mut parts = reply::array(value)?.into_iter();
        let id = reply::text(parts.next()?)?;
        // The script judged the row by the same rules, but for numbers and nesting within attributes, so this damages
        // none that it took and that was not made by hand.
        match claimed(&id, parts.next()?, parts.next()?) {
            Ok(claimed) => answer.claimed.push(claimed),
            Err(reason) => answer.damaged.push(DamagedWorkflow::new(id, reason)),
        }
    }
    answer.claimed.sort_by(|a, b| {
        (a.record.created_at, &a.record.id).cmp(&(b.record.created_at, &b.record.id))
    });
    for value in reply::array(values.next()?)? {
        answer.dead_lettered.push(reply::text(value)?);
    }
    for value in reply::array(values.next()?)? {
        let (id, reason) = reply::fault(reply::array(value)?)?;
        answer.damaged.push(DamagedWorkflow::new(id, reason));
    }
    for value in reply::array(values.next()?)? {
        answer.requeued.push(reply::text(value)?);
    }
    Some(answer)
}

/// A workflow that changed hands: its row and its checkpoints.
pub(crate) fn claimed(id: &str, row: Value, checkpoints: Value) -> Result<ClaimedWorkflow, String> {
    let record = record::decode(id, row)?.ok_or("its row is missing")?;
    Ok(ClaimedWorkflow::new(record, history(checkpoints)?))
}
