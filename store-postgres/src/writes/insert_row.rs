use durable_api::{
    Timestamp, WorkflowStatus,
    store::{Enqueue, InsertWorkflow},
};

use super::{execution, millis, roles};
use crate::{
    attributes,
    database::{Database, WorkOn},
    error::Failure,
};

/// The row of a workflow that starts at once or waits in a queue, unless its id, or what must be unique in its queue, is taken.
const INSERT: &str = "
INSERT INTO {schema}.workflows
    (id, app, name, status, version, executor_id, owner_incarnation, owner_execution,
     parent_id, parent_step, created_at, updated_at, started_at, input_encoding, input, deadline,
     caller_user, caller_role, caller_roles, attributes, trace_context, schedule,
     queue, priority, place, deduplication_id, partition_key, delayed_until, debounce_key, debounce_until, timeout)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, CASE WHEN $20::text IS NULL THEN $11 END, $12, $13, $14,
       $15, $16, $17::jsonb, $18::jsonb, $19, $28,
       $20, $21, CASE WHEN $20 IS NOT NULL THEN {number} END, $22, $23, $24, $25, $26, $27
ON CONFLICT DO NOTHING
RETURNING 1";

/// Writes the row of a workflow. `false` if something of it is taken.
pub(super) async fn insert_row(
    database: &Database,
    work: &mut WorkOn<'_>,
    request: &InsertWorkflow,
) -> Result<bool, Failure> {
    let parent = request.parent.as_ref();
    let enqueue = request.enqueue.as_ref();
    let at_once = enqueue.is_none();
    let debounce = enqueue.and_then(|enqueue| enqueue.debounce.as_ref());
    let query = database
        .query(INSERT)
        .bind(&request.id)
        .bind(&request.app)
        .bind(&request.name)
        .bind(status(enqueue).as_str())
        .bind(&request.version)
        .bind(at_once.then_some(&request.executor_id))
        .bind(at_once.then_some(request.owner.incarnation.0))
        .bind(at_once.then(|| execution(request.owner)))
        .bind(parent.map(|parent| &parent.workflow_id))
        .bind(parent.map(|parent| i64::from(parent.step_id)))
        .bind(request.now.as_millis())
        .bind(&*request.input.encoding)
        .bind(&*request.input.bytes)
        .bind(request.deadline.map(Timestamp::as_millis))
        .bind(&request.caller.user)
        .bind(&request.caller.assumed_role)
        .bind(roles(&request.caller))
        .bind(attributes::encode(&request.attributes))
        .bind(&request.trace_context)
        .bind(enqueue.map(|enqueue| &enqueue.queue))
        .bind(enqueue.map(|enqueue| enqueue.priority))
        .bind(enqueue.and_then(|enqueue| enqueue.deduplication_id.as_ref()))
        .bind(enqueue.and_then(|enqueue| enqueue.partition_key.as_ref()))
        .bind(enqueue.and_then(|enqueue| enqueue.delayed_until.map(Timestamp::as_millis)))
        .bind(debounce.map(|debounce| &debounce.key))
        .bind(debounce.map(|debounce| debounce.at_most_until.as_millis()))
        .bind(enqueue.and_then(|enqueue| enqueue.timeout.map(millis)))
        .bind(&request.schedule);
    Ok(!work.fetch(query).await?.is_empty())
}

fn status(enqueue: Option<&Enqueue>) -> WorkflowStatus {
    match enqueue {
        None => WorkflowStatus::Pending,
        Some(enqueue) if enqueue.delayed_until.is_some() => WorkflowStatus::Delayed,
        Some(_) => WorkflowStatus::Enqueued,
    }
}
