use std::time::Duration;

use durable_api::{
    WorkflowStatus,
    store::{Debounce, Enqueue, InsertOutcome, InsertWorkflow, StoreResult},
};
use sqlx::{Row as _, SqliteConnection};

use super::super::find;
use crate::{
    attributes::{attributes_column, check_attributes, index_attributes},
    error::check_texts,
    record::corrupt,
    sql::{Value, json_texts, query, values},
    steps::{check_owner, execution},
    writer::{Trouble, Write as _},
};

/// Refuses a workflow that cannot be stored.
pub(crate) fn check(operation: &'static str, request: &InsertWorkflow) -> StoreResult<()> {
    let enqueue = request.enqueue.as_ref();
    let parent = request.parent.as_ref();
    check_texts(
        operation,
        [
            request.id.as_str(),
            &request.app,
            &request.name,
            &request.executor_id,
            &request.input.encoding,
        ]
        .into_iter()
        .chain(request.version.as_deref())
        .chain(request.schedule.as_deref())
        .chain(request.caller.user.as_deref())
        .chain(request.caller.assumed_role.as_deref())
        .chain(request.caller.roles.iter().map(String::as_str))
        .chain(request.trace_context.as_deref())
        .chain(enqueue.map(|one| one.queue.as_str()))
        .chain(enqueue.and_then(|one| one.deduplication_id.as_deref()))
        .chain(enqueue.and_then(|one| one.partition_key.as_deref()))
        .chain(enqueue.and_then(|one| Some(one.debounce.as_ref()?.key.as_str())))
        .chain(
            parent
                .into_iter()
                .flat_map(|one| [one.workflow_id.as_str(), &one.step_name]),
        )
        .chain(parent.and_then(|one| one.completions.as_deref())),
    )?;
    check_attributes(operation, &request.attributes)?;
    check_owner(operation, request.owner)?;
    match parent {
        None => Ok(()),
        Some(parent) => check_owner(operation, parent.owner),
    }
}

/// Accepts a workflow, unless its id, its debounce key or its deduplication id is known. The executor and the parent are judged
/// before, and the parent's checkpoint is written afterwards.
pub(crate) async fn accept(
    connection: &mut SqliteConnection,
    request: &InsertWorkflow,
) -> Result<InsertOutcome, Trouble> {
    let existing = find(connection, &request.id)
        .await?
        .transpose()
        .map_err(|damaged| corrupt(InsertWorkflow::OPERATION, &damaged))?;
    if let Some(row) = existing {
        let queue = request.enqueue.as_ref().map(|one| &one.queue);
        if (&row.app, &row.name, row.queue.as_ref()) != (&request.app, &request.name, queue) {
            return Ok(InsertOutcome::Conflict(row));
        }
        return Ok(match row.owner == Some(request.owner) {
            true => InsertOutcome::Inserted,
            false => InsertOutcome::Existing(row),
        });
    }
    let (sql, values) = match &request.enqueue {
        None => (START, start_values(request)),
        Some(enqueue) => {
            if let Some(debounce) = &enqueue.debounce
                && let Some(id) = push_back(connection, request, enqueue, debounce).await?
            {
                return Ok(InsertOutcome::Debounced(id));
            }
            if let Some(id) = deduplicated(connection, request, enqueue).await? {
                return Ok(InsertOutcome::Deduplicated(id));
            }
            (ENQUEUE, enqueue_values(request, enqueue))
        }
    };
    let inserted = query(sql, values).execute(&mut *connection).await?;
    if !request.attributes.is_empty() {
        let row = inserted.last_insert_rowid();
        index_attributes(connection, row, &request.attributes).await?;
    }
    Ok(InsertOutcome::Inserted)
}

/// Gives the request's input and delay to the delayed workflow with its debounce key, if there is one.
async fn push_back(
    connection: &mut SqliteConnection,
    request: &InsertWorkflow,
    enqueue: &Enqueue,
    debounce: &Debounce,
) -> Result<Option<String>, sqlx::Error> {
    let key = values![
        request.app.as_str(),
        request.name.as_str(),
        debounce.key.as_str(),
    ];
    // By an earlier call of this very request.
    let mut repetition = key.clone();
    repetition.push(token(request));
    let pushed = query(
        "SELECT w.id FROM pushes p JOIN workflows w ON w.seq = p.workflow \
         WHERE w.app = ? AND w.name = ? AND w.debounce_key = ? AND p.token = ?",
        repetition,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = pushed {
        return row.try_get(0).map(Some);
    }
    let delayed = query(
        "SELECT seq, id FROM workflows \
         WHERE status = 'DELAYED' AND app = ? AND name = ? AND debounce_key = ? ORDER BY seq LIMIT 1",
        key,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = delayed else {
        return Ok(None);
    };
    let (seq, id) = (row.try_get::<i64, _>("seq")?, row.try_get("id")?);
    query(
        "UPDATE workflows SET input_encoding = ?, input = ?, updated_at = ?, \
             delayed_until = min(?, debounce_until) \
         WHERE seq = ?",
        values![
            &*request.input.encoding,
            &request.input.bytes,
            request.now,
            enqueue.delayed_until.unwrap_or(request.now),
            seq,
        ],
    )
    .execute(&mut *connection)
    .await?;
    query(
        "INSERT INTO pushes (token, workflow) VALUES (?, ?)",
        values![token(request), seq],
    )
    .execute(connection)
    .await?;
    Ok(Some(id))
}

/// The workflow of the queue that has the request's deduplication id.
async fn deduplicated(
    connection: &mut SqliteConnection,
    request: &InsertWorkflow,
    enqueue: &Enqueue,
) -> Result<Option<String>, sqlx::Error> {
    query(
        "SELECT id FROM workflows WHERE app = ? AND queue = ? AND deduplication_id = ? \
         AND status IN ('ENQUEUED', 'DELAYED', 'PENDING')",
        values![
            request.app.as_str(),
            enqueue.queue.as_str(),
            enqueue.deduplication_id.as_deref(),
        ],
    )
    .fetch_optional(connection)
    .await?
    .map(|row| row.try_get(0))
    .transpose()
}

/// Starts a workflow for an executor that is registered, unless the id exists.
pub(super) const START: &str = "INSERT INTO workflows (id, app, name, status, version, executor_id, \
    owner_incarnation, owner_execution, recovery_attempts, parent_id, parent_step, deadline, schedule, \
    caller_user, caller_role, caller_roles, attributes, trace_context, \
    created_at, updated_at, started_at, input_encoding, input) \
    SELECT ?, ?, ?, 'PENDING', ?, ?, incarnation, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? \
    FROM executors WHERE incarnation = ? \
    ON CONFLICT DO NOTHING";

pub(super) fn start_values(request: &InsertWorkflow) -> Vec<Value> {
    let mut values = values![
        request.id.as_str(),
        request.app.as_str(),
        request.name.as_str(),
        request.version.as_deref(),
        request.executor_id.as_str(),
        execution(request.owner),
    ];
    values.extend(common_values(request));
    values.extend(values![
        request.now,
        request.now,
        request.now,
        &*request.input.encoding,
        &request.input.bytes,
        request.owner.incarnation,
    ]);
    values
}

/// Lets a workflow wait, unless the id exists or a workflow of the queue has the deduplication id.
pub(super) const ENQUEUE: &str = "INSERT INTO workflows (id, app, name, status, version, \
    recovery_attempts, queue, place, priority, deduplication_id, partition_key, delayed_until, \
    debounce_key, debounce_until, timeout, parent_id, parent_step, deadline, schedule, \
    caller_user, caller_role, caller_roles, attributes, trace_context, \
    created_at, updated_at, input_encoding, input) \
    VALUES (?, ?, ?, ?, ?, 0, ?, (SELECT next FROM places), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
    ON CONFLICT DO NOTHING";

pub(super) fn enqueue_values(request: &InsertWorkflow, enqueue: &Enqueue) -> Vec<Value> {
    let status = match enqueue.delayed_until {
        None => WorkflowStatus::Enqueued,
        Some(_) => WorkflowStatus::Delayed,
    };
    let debounce = enqueue.debounce.as_ref();
    let mut values = values![
        request.id.as_str(),
        request.app.as_str(),
        request.name.as_str(),
        status.as_str(),
        request.version.as_deref(),
        enqueue.queue.as_str(),
        enqueue.priority,
        enqueue.deduplication_id.as_deref(),
        enqueue.partition_key.as_deref(),
        enqueue.delayed_until,
        debounce.map(|one| one.key.as_str()),
        debounce.map(|one| one.at_most_until),
        enqueue.timeout.map(timeout_column),
    ];
    values.extend(common_values(request));
    values.extend(values![
        request.now,
        request.now,
        &*request.input.encoding,
        &request.input.bytes,
    ]);
    values
}

/// From the parent to the trace.
fn common_values(request: &InsertWorkflow) -> Vec<Value> {
    let parent = request.parent.as_ref();
    let caller = &request.caller;
    values![
        parent.map(|parent| parent.workflow_id.as_str()),
        parent.map(|parent| parent.step_id),
        request.deadline,
        request.schedule.as_deref(),
        caller.user.as_deref(),
        caller.assumed_role.as_deref(),
        (!caller.roles.is_empty()).then(|| json_texts(caller.roles.iter().map(String::as_str))),
        attributes_column(&request.attributes),
        request.trace_context.as_deref(),
    ]
}

/// Whole milliseconds, never less than asked for; with what is beyond reason cut.
pub(crate) fn timeout_column(timeout: Duration) -> i64 {
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// What a request and its repetitions have in common, and no other request has.
pub(super) fn token(request: &InsertWorkflow) -> Value {
    let mut bytes = request.owner.incarnation.0.as_bytes().to_vec();
    bytes.extend(request.owner.execution.to_be_bytes());
    bytes.extend(request.now.as_millis().to_be_bytes());
    bytes.extend(request.id.as_bytes());
    Value::Blob(bytes)
}
