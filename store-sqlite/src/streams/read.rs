use durable_api::{
    Payload, WorkflowStatus,
    store::{ReadStream, StreamPage, StreamState},
};
use sqlx::sqlite::SqliteRow;

use crate::{
    record::{get, number, payload},
    sql::{Value, values},
};

/// The workflow's status, how the stream ends, and the values: one statement, and so one instant. One row without a value
/// where there are none.
pub(super) fn select(request: &ReadStream) -> (&'static str, Vec<Value>) {
    let sql = "WITH stream AS (SELECT seq, status, \
            (SELECT max(position) FROM stream_values WHERE workflow = seq AND key = ?1) AS last \
            FROM workflows WHERE id = ?2) \
        SELECT stream.status, stream.last, \
            (SELECT encoding IS NULL FROM stream_values \
                WHERE workflow = stream.seq AND key = ?1 AND position = stream.last) AS closed, \
            found.encoding, found.value \
        FROM stream LEFT JOIN stream_values AS found ON found.workflow = stream.seq AND found.key = ?1 \
            AND found.position >= ?3 AND found.position < ?4 AND found.encoding IS NOT NULL \
        ORDER BY found.position";
    let from = i64::try_from(request.from).unwrap_or(i64::MAX);
    let values = values![
        request.key.as_str(),
        request.workflow_id.as_str(),
        from,
        from.saturating_add(request.limit.into()),
    ];
    (sql, values)
}

pub(super) fn page(rows: &[SqliteRow], request: &ReadStream) -> Result<StreamPage, String> {
    let Some(first) = rows.first() else {
        return Ok(StreamPage::new(Vec::new(), StreamState::UnknownWorkflow));
    };
    let values: Vec<Payload> = rows
        .iter()
        .filter_map(|row| payload(row, "encoding", "value").transpose())
        .collect::<Result<_, _>>()?;
    let status: WorkflowStatus = get::<&str>(first, "status")?
        .parse()
        .map_err(|error: durable_api::UnknownStatus| error.to_string())?;
    let closed = get::<Option<bool>>(first, "closed")?.unwrap_or(false);
    let length = match get::<Option<i64>>(first, "last")? {
        None => 0,
        Some(_) => number::<u64>(first, "last")? + u64::from(!closed),
    };
    let reached = request.from.saturating_add(values.len() as u64) >= length;
    let state = match reached {
        true if closed => StreamState::Closed,
        true if status.is_final() => StreamState::WorkflowOver,
        _ => StreamState::Open,
    };
    Ok(StreamPage::new(values, state))
}
