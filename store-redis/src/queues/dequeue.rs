use std::cmp::Ordering;

use durable_api::store::{
    ClaimedWorkflow, DamagedWorkflow, DequeueWorkflows, DequeuedWorkflows, StoreResult,
};
use redis::Value;

use crate::{
    RedisStore,
    call::Call,
    error::{check_texts, malformed},
    reply,
    script::DEQUEUE_WORKFLOWS,
    workflows::{
        check_owner,
        claim::{bounds, claimed},
    },
};

const OPERATION: &str = "dequeue_workflows";

/// Takes workflows from queues.
pub(super) async fn dequeue(
    store: &RedisStore,
    request: DequeueWorkflows,
) -> StoreResult<DequeuedWorkflows> {
    check_texts(OPERATION, [request.executor_id.as_str()])?;
    check_owner(OPERATION, request.owner)?;
    let keys = store.keys();
    let mut call = Call::new(
        &DEQUEUE_WORKFLOWS,
        OPERATION,
        [
            keys.executor(request.owner.incarnation),
            keys.waiting(&request.app),
            keys.owned(request.owner.incarnation),
        ],
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
    call = match &request.queues {
        None => call.arg("-"),
        Some(queues) => queues
            .iter()
            .fold(call.text(queues.len()), |call, queue| call.arg(queue)),
    };
    for workflow in &request.workflows {
        call = call.arg(&workflow.name);
    }
    let value = call.write(store.link()).await?;
    answer(value).ok_or_else(|| malformed(OPERATION, "the answer"))
}

fn answer(value: Value) -> Option<DequeuedWorkflows> {
    let mut values = reply::array(value)?.into_iter();
    let mut answer = DequeuedWorkflows::new();
    answer.more = reply::text(values.next()?)? == "1";
    let accepted = reply::array(values.next()?)?;
    let Value::Int(carried) = values.next()? else {
        return None;
    };
    let mut carried = usize::try_from(carried).ok()?;
    for (number, value) in accepted.into_iter().enumerate() {
        let mut parts = reply::array(value)?.into_iter();
        let id = reply::text(parts.next()?)?;
        // The script judged the row by the same rules, but for numbers and nesting within attributes, so this damages
        // none that it took and that was not made by hand.
        match claimed(&id, parts.next()?, parts.next()?) {
            Ok(claimed) => answer.taken.push(claimed),
            Err(reason) => {
                answer.damaged.push(DamagedWorkflow::new(id, reason));
                carried -= usize::from(number < carried);
            }
        }
    }
    // These come by their ages.
    answer.taken[..carried].sort_by(in_line);
    for value in reply::array(values.next()?)? {
        let (id, reason) = reply::fault(reply::array(value)?)?;
        answer.damaged.push(DamagedWorkflow::new(id, reason));
    }
    answer.held = reply::text(values.next()?)? == "1";
    answer.retry_at = reply::time(values.next()?)?;
    Some(answer)
}

/// The order within a queue.
fn in_line(one: &ClaimedWorkflow, other: &ClaimedWorkflow) -> Ordering {
    let (one, other) = (&one.record, &other.record);
    (one.priority, one.created_at, &one.id).cmp(&(other.priority, other.created_at, &other.id))
}
