use std::sync::Arc;

use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        AppendOutcome, AppendStream, ReadStream, StoreResult, StreamPage, StreamState, StreamStore,
        Wakeup,
    },
};

use crate::{
    PostgresStore,
    effects::{self, Appended, Fenced},
    error::Failure,
    record::{self, column},
    steps, writes,
};

#[async_trait]
impl StreamStore for PostgresStore {
    async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome> {
        append(self, request)
            .await
            .map_err(|failure| failure.into_store_error("append_stream"))
    }

    async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage> {
        read(self, &request)
            .await
            .map_err(|failure| failure.into_store_error("read_stream"))
    }
}

async fn append(store: &PostgresStore, request: AppendStream) -> Result<AppendOutcome, Failure> {
    let texts = [request.key.as_str()];
    effects::check(Some(&request.step), texts, request.value.as_ref())?;

    let request = Arc::new(request);
    let step = &request.step;
    Ok(
        match effects::submit(&store.appends, Arc::clone(&request)).await? {
            Fenced::Passed(Appended::At(offset)) => {
                store.hints.post([Wakeup::workflow(&step.workflow_id)]);
                AppendOutcome::Appended { offset }
            }
            Fenced::Passed(Appended::Closed) => AppendOutcome::Closed,
            Fenced::NotOwner => AppendOutcome::NotOwner,
            // A checkpoint that is gone went with its workflow.
            Fenced::Taken => {
                match steps::existing(&store.database, &step.workflow_id, step.step_id).await? {
                    Some(step) => AppendOutcome::AlreadyRecorded(step),
                    None => AppendOutcome::NotOwner,
                }
            }
        },
    )
}

/// One statement, so that status, length and values are of one instant. The row of a close has no value.
const READ: &str = "
SELECT w.status, coalesce(t.length, 0) AS length, coalesce(t.closed, false) AS closed,
       v.place, v.encoding, v.value
FROM {schema}.workflows w
LEFT JOIN {schema}.streams t ON t.workflow_id = w.id AND t.key = $2
LEFT JOIN LATERAL (
    SELECT v.place, v.encoding, v.value FROM {schema}.stream_values v
    WHERE v.workflow_id = w.id AND v.key = $2 AND v.place >= $3 AND v.value IS NOT NULL
    ORDER BY v.place
    LIMIT $4
) AS v ON true
WHERE w.id = $1
ORDER BY v.place";

async fn read(store: &PostgresStore, request: &ReadStream) -> Result<StreamPage, Failure> {
    let id = request.workflow_id.as_str();
    writes::check([id, &request.key], None, [])?;
    let query = store
        .database
        .query(READ)
        .bind(id)
        .bind(&request.key)
        .bind(i64::try_from(request.from).unwrap_or(i64::MAX))
        .bind(i64::from(request.limit));
    let rows = store.database.read(query).await?;
    let Some(first) = rows.first() else {
        return Ok(StreamPage::new(Vec::new(), StreamState::UnknownWorkflow));
    };
    let status: String = column(first, "status")?;
    let status: WorkflowStatus = status
        .parse()
        .map_err(|error: durable_api::UnknownStatus| record::corrupt(id, &error.to_string()))?;
    let length = column::<i64>(first, "length")?.cast_unsigned();
    let closed: bool = column(first, "closed")?;

    let mut values = Vec::with_capacity(rows.len());
    for row in &rows {
        let value = record::payload(row, "encoding", "value")
            .map_err(|damage| record::corrupt(id, &format!("in a stream, the {damage}")))?;
        values.extend(value);
    }
    let last = request.from.saturating_add(values.len() as u64) >= length;
    let state = match (last, closed) {
        (true, true) => StreamState::Closed,
        (true, false) if status.is_final() => StreamState::WorkflowOver,
        _ => StreamState::Open,
    };
    Ok(StreamPage::new(values, state))
}
