use std::sync::Arc;

use async_trait::async_trait;
use durable_api::{
    Payload,
    store::{EventLookup, EventStore, SetEvent, SetEventOutcome, StoreResult, Wakeup},
};
use sqlx::postgres::PgRow;

use crate::{
    PostgresStore,
    effects::{self, Fenced},
    error::Failure,
    record::{self, column},
    steps, writes,
};

#[async_trait]
impl EventStore for PostgresStore {
    async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome> {
        set(self, request)
            .await
            .map_err(|failure| failure.into_store_error("set_event"))
    }

    async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup> {
        get(self, workflow_id, key)
            .await
            .map_err(|failure| failure.into_store_error("get_event"))
    }

    async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>> {
        list(self, workflow_id)
            .await
            .map_err(|failure| failure.into_store_error("list_events"))
    }
}

async fn set(store: &PostgresStore, request: SetEvent) -> Result<SetEventOutcome, Failure> {
    let texts = [request.key.as_str()];
    effects::check(Some(&request.step), texts, Some(&request.value))?;

    let request = Arc::new(request);
    let step = &request.step;
    Ok(
        match effects::submit(&store.events, Arc::clone(&request)).await? {
            Fenced::Passed(()) => {
                store.hints.post([Wakeup::workflow(&step.workflow_id)]);
                SetEventOutcome::Set
            }
            Fenced::NotOwner => SetEventOutcome::NotOwner,
            // A checkpoint that is gone went with its workflow.
            Fenced::Taken => {
                match steps::existing(&store.database, &step.workflow_id, step.step_id).await? {
                    Some(step) => SetEventOutcome::AlreadyRecorded(step),
                    None => SetEventOutcome::NotOwner,
                }
            }
        },
    )
}

async fn get(store: &PostgresStore, workflow_id: &str, key: &str) -> Result<EventLookup, Failure> {
    writes::check([workflow_id, key], None, [])?;
    let query = store
        .database
        .query(
            "SELECT e.encoding, e.value
             FROM {schema}.workflows w
             LEFT JOIN LATERAL (
                 SELECT e.encoding, e.value FROM {schema}.events e
                 WHERE e.workflow_id = w.id AND e.key = $2
                 ORDER BY e.sequence DESC
                 LIMIT 1
             ) AS e ON true
             WHERE w.id = $1",
        )
        .bind(workflow_id)
        .bind(key);
    let rows = store.database.read(query).await?;
    let Some(row) = rows.first() else {
        return Ok(EventLookup::UnknownWorkflow);
    };
    let value = value(workflow_id, row)?;
    Ok(value.map_or(EventLookup::Absent, EventLookup::Value))
}

async fn list(store: &PostgresStore, workflow_id: &str) -> Result<Vec<(String, Payload)>, Failure> {
    writes::check([workflow_id], None, [])?;
    let query = store
        .database
        .query(
            "SELECT DISTINCT ON (e.key) e.key, e.encoding, e.value
             FROM {schema}.events e
             WHERE e.workflow_id = $1
             ORDER BY e.key, e.sequence DESC",
        )
        .bind(workflow_id);
    let rows = store.database.read(query).await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(value) = value(workflow_id, row)? {
            events.push((column(row, "key")?, value));
        }
    }
    Ok(events)
}

fn value(workflow_id: &str, row: &PgRow) -> Result<Option<Payload>, Failure> {
    record::payload(row, "encoding", "value")
        .map_err(|damage| record::corrupt(workflow_id, &format!("of an event, the {damage}")))
}
