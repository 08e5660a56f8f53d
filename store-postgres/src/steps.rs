use std::sync::Arc;

use async_trait::async_trait;
use durable_api::store::{Outcome, RecordOutcome, RecordStep, StepRecord, StepStore, StoreResult};

use crate::{
    PostgresStore,
    database::Database,
    error::Failure,
    record::{self, STEP_COLUMNS},
    writes::{Recorded, check},
};

#[async_trait]
impl StepStore for PostgresStore {
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome> {
        record_step(self, request)
            .await
            .map_err(|failure| failure.into_store_error("record_step"))
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        list_steps(self, workflow_id)
            .await
            .map_err(|failure| failure.into_store_error("list_steps"))
    }
}

async fn record_step(store: &PostgresStore, request: RecordStep) -> Result<RecordOutcome, Failure> {
    let step = &request.step;
    let texts = [&request.workflow_id, &step.name]
        .into_iter()
        .chain(&step.child_id);
    let payload = step.outcome.as_ref().map(Outcome::payload);
    check(texts.map(String::as_str), payload, [request.owner])?;

    let request = Arc::new(request);
    Ok(match store.records.submit(Arc::clone(&request)).await? {
        Recorded::Written => RecordOutcome::Recorded,
        Recorded::NotOwner => RecordOutcome::NotOwner,
        // A checkpoint never changes, so it may be read apart. One that is gone went with its workflow.
        Recorded::Taken => {
            match existing(&store.database, &request.workflow_id, request.step.step_id).await? {
                Some(step) => RecordOutcome::AlreadyRecorded(step),
                None => RecordOutcome::NotOwner,
            }
        }
    })
}

/// The checkpoint of a step.
pub(crate) async fn existing(
    database: &Database,
    workflow_id: &str,
    step_id: u32,
) -> Result<Option<StepRecord>, Failure> {
    let sql = format!(
        "SELECT {STEP_COLUMNS} FROM {{schema}}.steps s WHERE s.workflow_id = $1 AND s.step_id = $2"
    );
    let query = database
        .query(&sql)
        .bind(workflow_id)
        .bind(i64::from(step_id));
    let rows = database.read(query).await?;
    rows.first()
        .map(|row| record::step_of(workflow_id, row))
        .transpose()
}

async fn list_steps(store: &PostgresStore, workflow_id: &str) -> Result<Vec<StepRecord>, Failure> {
    check([workflow_id], None, [])?;
    let sql = format!(
        "SELECT {STEP_COLUMNS} FROM {{schema}}.steps s WHERE s.workflow_id = $1 ORDER BY s.step_id"
    );
    let rows = store
        .database
        .read(store.database.query(&sql).bind(workflow_id))
        .await?;
    rows.iter()
        .map(|row| record::step_of(workflow_id, row))
        .collect()
}
