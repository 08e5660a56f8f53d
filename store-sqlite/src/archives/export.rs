use durable_api::store::{
    ArchivedEvent, ArchivedMessage, ArchivedStream, Payloads, WorkflowArchive,
};
use sqlx::sqlite::SqliteRow;

use crate::{
    record::{
        get, number, payload, payload_columns, step, step_columns, workflow, workflow_columns,
    },
    sql::{Value, values},
};

/// The statements that together read a workflow with all that belongs to it.
const PARTS: [&str; 5] = [
    concat!(
        "SELECT ",
        workflow_columns!(),
        ", ",
        payload_columns!(),
        " FROM workflows WHERE id = ?"
    ),
    concat!(
        "SELECT ",
        step_columns!(),
        " FROM steps WHERE workflow = (SELECT seq FROM workflows WHERE id = ?) ORDER BY step_id"
    ),
    "SELECT key, step_id, encoding, value FROM events \
     WHERE workflow = (SELECT seq FROM workflows WHERE id = ?) ORDER BY key, seq",
    "SELECT key, step_id, encoding, value FROM stream_values \
     WHERE workflow = (SELECT seq FROM workflows WHERE id = ?) ORDER BY key, position",
    "SELECT topic, message_id, encoding, payload FROM messages \
     WHERE workflow = (SELECT seq FROM workflows WHERE id = ?) AND encoding IS NOT NULL ORDER BY seq",
];

pub(super) fn select(workflow_id: &str) -> Vec<(&'static str, Vec<Value>)> {
    PARTS.map(|sql| (sql, values![workflow_id])).to_vec()
}

/// The workflow, if it exists.
///
/// # Errors
/// What is wrong with a part of it.
pub(super) fn archive(parts: &[Vec<SqliteRow>]) -> Result<Option<WorkflowArchive>, String> {
    let [workflows, steps, events, stream_values, messages] = parts else {
        return Err("a part of it was not read".to_owned());
    };
    let Some(row) = workflows.first() else {
        return Ok(None);
    };
    let record = workflow(row, Payloads::Load).map_err(|damaged| damaged.reason)?;
    let mut archive = WorkflowArchive::new(record);
    archive.steps = steps.iter().map(step).collect::<Result<_, _>>()?;
    archive.events = events
        .iter()
        .map(event)
        .collect::<Result<_, _>>()
        .map_err(|reason| format!("an event of it: {reason}"))?;
    archive.streams =
        streams(stream_values).map_err(|reason| format!("a stream of it: {reason}"))?;
    archive.messages = messages
        .iter()
        .map(message)
        .collect::<Result<_, _>>()
        .map_err(|reason| format!("a message to it: {reason}"))?;
    Ok(Some(archive))
}

fn event(row: &SqliteRow) -> Result<ArchivedEvent, String> {
    Ok(ArchivedEvent {
        key: get(row, "key")?,
        step_id: number(row, "step_id")?,
        value: payload(row, "encoding", "value")?.ok_or("it has no value")?,
    })
}

fn streams(rows: &[SqliteRow]) -> Result<Vec<ArchivedStream>, String> {
    let mut streams: Vec<ArchivedStream> = Vec::new();
    for row in rows {
        let key: String = get(row, "key")?;
        if streams.last().is_none_or(|last| last.key != key) {
            streams.push(ArchivedStream {
                key,
                values: Vec::new(),
                closed_by: None,
            });
        }
        let Some(stream) = streams.last_mut() else {
            continue;
        };
        let step_id = number(row, "step_id")?;
        match payload(row, "encoding", "value")? {
            Some(value) => stream.values.push((step_id, value)),
            None => stream.closed_by = Some(step_id),
        }
    }
    Ok(streams)
}

fn message(row: &SqliteRow) -> Result<ArchivedMessage, String> {
    Ok(ArchivedMessage {
        topic: get(row, "topic")?,
        message_id: get(row, "message_id")?,
        payload: payload(row, "encoding", "payload")?.ok_or("it is empty")?,
    })
}
