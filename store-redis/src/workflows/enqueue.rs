use durable_api::{
    WorkflowStatus,
    store::{Enqueue, InsertOutcome, InsertWorkflow, StoreResult, WorkflowRecord},
};

use super::insert;
use crate::{
    RedisStore,
    call::Call,
    checkpoint,
    error::{check_texts, invalid},
    record,
    script::ENQUEUE_WORKFLOW,
};

const OPERATION: &str = "insert_workflow";

/// Accepts a workflow that waits in a queue, with its parent's checkpoint if it is a child.
pub(super) async fn enqueue(
    store: &RedisStore,
    request: InsertWorkflow,
) -> StoreResult<InsertOutcome> {
    let keys = store.keys();
    let call = Call::new(&ENQUEUE_WORKFLOW, OPERATION, [keys.workflow(&request.id)]);
    let call = add_request(OPERATION, call.arg(keys.base()), &request)?;
    insert::answer(&request, store.change(call).await?)
}

/// Adds what `scripts/accept.lua` reads. What is wrong with the request refuses it.
pub(crate) fn add_request<'a>(
    operation: &'static str,
    call: Call<'a>,
    request: &'a InsertWorkflow,
) -> StoreResult<Call<'a>> {
    let Some(enqueue) = &request.enqueue else {
        return Err(invalid(operation, "the workflow has no queue to wait in"));
    };
    insert::check(operation, request)?;
    check_queueing(operation, enqueue)?;
    let debounce = enqueue.debounce.as_ref();
    let until = debounce.map(|debounce| debounce.at_most_until.as_millis());
    let delayed = enqueue.delayed_until.map(|time| time.as_millis());
    let call = call
        .arg(&request.id)
        .arg(&request.app)
        .arg(&request.name)
        .optional(request.version.as_deref())
        .arg(&enqueue.queue)
        .text(enqueue.priority)
        .optional(enqueue.deduplication_id.as_deref())
        .optional(enqueue.partition_key.as_deref())
        .text(or_empty(delayed))
        .optional(debounce.map(|debounce| debounce.key.as_str()))
        .text(or_empty(until))
        .text(request.now.as_millis());
    let call = match &request.parent {
        Some(parent) => {
            let step = checkpoint::pack_child(parent, &request.id, request.now);
            call.optional(Some(&parent.workflow_id))
                .text(record::owner(parent.owner))
                .text(parent.step_id)
                .bytes(step)
        }
        None => call.arg("").arg("").arg("").arg(""),
    };
    let call = call.text(record::owner(request.owner));
    let fields = record::fields(operation, &accepted(request, enqueue))?;
    Ok(fields
        .into_iter()
        .fold(call, |call, (field, value)| call.arg(field).bytes(value)))
}

/// The row of a workflow that waits.
fn accepted(request: &InsertWorkflow, enqueue: &Enqueue) -> WorkflowRecord {
    let status = match enqueue.delayed_until {
        Some(_) => WorkflowStatus::Delayed,
        None => WorkflowStatus::Enqueued,
    };
    let mut record = WorkflowRecord::new(
        &request.id,
        &request.app,
        &request.name,
        status,
        request.now,
    );
    record.version.clone_from(&request.version);
    record.parent = request
        .parent
        .as_ref()
        .map(|parent| durable_api::store::ParentStep::new(&parent.workflow_id, parent.step_id));
    record.deadline = request.deadline;
    record.timeout = enqueue.timeout;
    record.queue = Some(enqueue.queue.clone());
    record.priority = enqueue.priority;
    record
        .deduplication_id
        .clone_from(&enqueue.deduplication_id);
    record.partition_key.clone_from(&enqueue.partition_key);
    record.delayed_until = enqueue.delayed_until;
    record.debounce.clone_from(&enqueue.debounce);
    record.schedule.clone_from(&request.schedule);
    record.caller = request.caller.clone();
    record.attributes = request.attributes.clone();
    record.trace_context.clone_from(&request.trace_context);
    record.input = Some(request.input.clone());
    record
}

fn check_queueing(operation: &'static str, enqueue: &Enqueue) -> StoreResult<()> {
    check_texts(
        operation,
        [&enqueue.queue]
            .into_iter()
            .chain(&enqueue.deduplication_id)
            .chain(&enqueue.partition_key)
            .chain(enqueue.debounce.as_ref().map(|debounce| &debounce.key))
            .map(String::as_str),
    )
}

fn or_empty(number: Option<i64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}
