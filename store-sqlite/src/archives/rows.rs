use durable_api::{
    WorkflowStatus,
    store::{ArchivedEvent, ArchivedMessage, ArchivedStream, Outcome, StepRecord, WorkflowRecord},
};
use sqlx::SqliteConnection;

use crate::{
    attributes::attributes_column,
    sql::{Value, json_texts, query, values},
    workflows::insert::timeout_column,
};

/// Writes a workflow without owner; answers its row. Without its deduplication id too, if another workflow of the queue has it; and if it is
/// delayed, without a debounce key that another delayed one has.
pub(super) async fn insert_workflow(
    connection: &mut SqliteConnection,
    record: &WorkflowRecord,
    status: WorkflowStatus,
) -> Result<i64, sqlx::Error> {
    let taken = query(
        "SELECT 1 FROM workflows WHERE app = ? AND queue = ? AND deduplication_id = ? \
         AND status IN ('ENQUEUED', 'DELAYED', 'PENDING')",
        values![
            record.app.as_str(),
            record.queue.as_deref(),
            record.deduplication_id.as_deref(),
        ],
    )
    .fetch_optional(&mut *connection)
    .await?;
    let deduplication_id = record.deduplication_id.as_deref();
    let deduplication_id = deduplication_id.filter(|_| taken.is_none());
    let parent = record.parent.as_ref();
    let debounce = match &record.debounce {
        Some(debounce) if status == WorkflowStatus::Delayed => {
            let other = query(
                "SELECT 1 FROM workflows \
                 WHERE status = 'DELAYED' AND app = ? AND name = ? AND debounce_key = ?",
                values![
                    record.app.as_str(),
                    record.name.as_str(),
                    debounce.key.as_str()
                ],
            )
            .fetch_optional(&mut *connection)
            .await?;
            Some(debounce).filter(|_| other.is_none())
        }
        debounce => debounce.as_ref(),
    };
    let caller = &record.caller;
    let outcome = record.outcome.as_ref().map(Outcome::payload);
    let input = record.input.as_ref();
    let inserted = query(
        "INSERT INTO workflows (id, app, name, status, version, executor_id, recovery_attempts, \
             parent_id, parent_step, forked_from, deadline, timeout, queue, place, priority, deduplication_id, \
             partition_key, delayed_until, debounce_key, debounce_until, schedule, \
             caller_user, caller_role, caller_roles, attributes, trace_context, \
             created_at, updated_at, started_at, completed_at, input_encoding, input, outcome_encoding, outcome) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, iif(?13 IS NULL, NULL, (SELECT next FROM places)), \
             ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33)",
        values![
            record.id.as_str(),
            record.app.as_str(),
            record.name.as_str(),
            status.as_str(),
            record.version.as_deref(),
            record.executor_id.as_deref(),
            record.recovery_attempts,
            parent.map(|parent| parent.workflow_id.as_str()),
            parent.map(|parent| parent.step_id),
            record.forked_from.as_deref(),
            record.deadline,
            record.timeout.map(timeout_column),
            record.queue.as_deref(),
            record.priority,
            deduplication_id,
            record.partition_key.as_deref(),
            record.delayed_until,
            debounce.map(|one| one.key.as_str()),
            debounce.map(|one| one.at_most_until),
            record.schedule.as_deref(),
            caller.user.as_deref(),
            caller.assumed_role.as_deref(),
            (!caller.roles.is_empty()).then(|| json_texts(caller.roles.iter().map(String::as_str))),
            attributes_column(&record.attributes),
            record.trace_context.as_deref(),
            record.created_at,
            record.updated_at,
            record.started_at,
            record.completed_at,
            input.map(|input| &*input.encoding),
            input.map_or(Value::Null, |input| Value::from(&input.bytes)),
            outcome.map(|outcome| &*outcome.encoding),
            outcome.map_or(Value::Null, |outcome| Value::from(&outcome.bytes)),
        ],
    )
    .execute(connection)
    .await?;
    Ok(inserted.last_insert_rowid())
}

pub(super) async fn insert_step(
    connection: &mut SqliteConnection,
    workflow: i64,
    step: &StepRecord,
) -> Result<(), sqlx::Error> {
    let outcome = step.outcome.as_ref();
    let payload = outcome.map(Outcome::payload);
    query(
        "INSERT INTO steps (workflow, step_id, name, child_id, started_at, completed_at, \
             failed, outcome_encoding, outcome, completions) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            workflow,
            step.step_id,
            step.name.as_str(),
            step.child_id.as_deref(),
            step.started_at,
            step.completed_at,
            outcome.map(|one| matches!(one, Outcome::Failure(_))),
            payload.map(|payload| &*payload.encoding),
            payload.map_or(Value::Null, |payload| Value::from(&payload.bytes)),
            step.completions.as_deref(),
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn insert_event(
    connection: &mut SqliteConnection,
    workflow: i64,
    event: &ArchivedEvent,
) -> Result<(), sqlx::Error> {
    // Of several values that one step set, the last counts.
    query(
        "INSERT OR REPLACE INTO events (workflow, key, step_id, encoding, value) VALUES (?, ?, ?, ?, ?)",
        values![
            workflow,
            event.key.as_str(),
            event.step_id,
            &*event.value.encoding,
            &event.value.bytes,
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn insert_streams(
    connection: &mut SqliteConnection,
    workflow: i64,
    streams: &[ArchivedStream],
) -> Result<(), sqlx::Error> {
    // Shorter than the id of any write, so that none is taken for it.
    let mut write_ids = 0_u64..;
    for stream in streams {
        let values = stream
            .values
            .iter()
            .map(|(step, value)| (*step, Some(value)));
        let close = stream.closed_by.map(|step| (step, None));
        for (position, (step_id, value)) in (0_i64..).zip(values.chain(close)) {
            let write_id = write_ids.next().unwrap_or_default().to_be_bytes();
            query(
                "INSERT INTO stream_values (workflow, key, position, step_id, write_id, encoding, value) \
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
                values![
                    workflow,
                    stream.key.as_str(),
                    position,
                    step_id,
                    Value::Blob(write_id.to_vec()),
                    value.map(|value| &*value.encoding),
                    value.map_or(Value::Null, |value| Value::from(&value.bytes)),
                ],
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

pub(super) async fn insert_message(
    connection: &mut SqliteConnection,
    workflow: i64,
    message: &ArchivedMessage,
) -> Result<(), sqlx::Error> {
    query(
        "INSERT INTO messages (workflow, topic, message_id, encoding, payload) VALUES (?, ?, ?, ?, ?)",
        values![
            workflow,
            message.topic.as_str(),
            message.message_id.as_str(),
            &*message.payload.encoding,
            &message.payload.bytes,
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}
