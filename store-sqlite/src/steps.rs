use async_trait::async_trait;
use durable_api::store::{
    DamagedWorkflow, Outcome, Owner, RecordOutcome, RecordStep, StepRecord, StepStore, StoreError,
    StoreErrorKind, StoreResult,
};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    SqliteStore,
    error::check_texts,
    record::{corrupt, step, step_columns},
    sql::{Value, query, values},
    writer::{Quick, Trouble, Write},
};

#[async_trait]
impl StepStore for SqliteStore {
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome> {
        check(RecordStep::OPERATION, &request)?;
        self.write(request).await
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        let rows = self
            .readers
            .fetch_all(
                "list_steps",
                concat!(
                    "SELECT ",
                    step_columns!(),
                    " FROM steps WHERE workflow = (SELECT seq FROM workflows WHERE id = ?) ORDER BY step_id"
                ),
                values![workflow_id],
            )
            .await?;
        rows.iter()
            .map(step)
            .collect::<Result<_, _>>()
            .map_err(|reason| corrupt("list_steps", &DamagedWorkflow::new(workflow_id, reason)))
    }
}

impl Write for RecordStep {
    type Answer = RecordOutcome;

    const OPERATION: &'static str = "record_step";

    fn size(&self) -> usize {
        self.step
            .outcome
            .as_ref()
            .map_or(0, |outcome| outcome.payload().bytes.len())
    }

    fn quick(&self) -> Option<Quick<RecordOutcome>> {
        Some(Quick {
            sql: RECORD,
            values: record_values(self),
            done: RecordOutcome::Recorded,
        })
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<RecordOutcome, Trouble> {
        let Some(workflow) = owned(connection, &self.workflow_id, self.owner).await? else {
            return Ok(RecordOutcome::NotOwner);
        };
        let recorded = find_step(connection, workflow, self.step.step_id).await?;
        Ok(match recorded {
            Some(found) => RecordOutcome::AlreadyRecorded(found.map_err(|reason| {
                corrupt(
                    Self::OPERATION,
                    &DamagedWorkflow::new(&self.workflow_id, reason),
                )
            })?),
            None => {
                query(RECORD, record_values(self))
                    .execute(connection)
                    .await?;
                RecordOutcome::Recorded
            }
        })
    }
}

/// Writes a checkpoint for the owner of a pending workflow, unless there is one.
///
/// With the name of the database, because a user's transaction may have a temporary table of the same name.
pub(crate) const RECORD: &str = "INSERT INTO main.steps (workflow, step_id, name, child_id, started_at, \
    completed_at, failed, outcome_encoding, outcome, completions) \
    SELECT seq, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM main.workflows \
    WHERE id = ? AND status = 'PENDING' AND owner_incarnation = ? AND owner_execution = ? \
    ON CONFLICT DO NOTHING";

/// Refuses what cannot be stored.
pub(crate) fn check(operation: &'static str, request: &RecordStep) -> StoreResult<()> {
    let step = &request.step;
    let texts = [request.workflow_id.as_str(), &step.name]
        .into_iter()
        .chain(step.child_id.as_deref())
        .chain(step.outcome.iter().map(encoding))
        .chain(step.completions.as_deref());
    check_texts(operation, texts)?;
    check_owner(operation, request.owner)
}

pub(crate) fn record_values(request: &RecordStep) -> Vec<Value> {
    let step = &request.step;
    let (failed, encoding, bytes) = match &step.outcome {
        None => (None, Value::Null, Value::Null),
        Some(outcome) => (
            Some(i64::from(matches!(outcome, Outcome::Failure(_)))),
            Value::from(encoding(outcome)),
            Value::from(&outcome.payload().bytes),
        ),
    };
    values![
        step.step_id,
        step.name.as_str(),
        step.child_id.as_deref(),
        step.started_at,
        step.completed_at,
        failed,
        encoding,
        bytes,
        step.completions.as_deref(),
        request.workflow_id.as_str(),
        request.owner.incarnation,
        execution(request.owner),
    ]
}

/// The row number of a workflow that is pending and belongs to `owner`.
pub(crate) async fn owned(
    connection: &mut SqliteConnection,
    workflow_id: &str,
    owner: Owner,
) -> Result<Option<i64>, sqlx::Error> {
    query(
        "SELECT seq FROM workflows \
         WHERE id = ? AND status = 'PENDING' AND owner_incarnation = ? AND owner_execution = ?",
        values![workflow_id, owner.incarnation, execution(owner)],
    )
    .fetch_optional(connection)
    .await?
    .map(|row| row.try_get(0))
    .transpose()
}

/// A checkpoint, or what is wrong with its row.
pub(crate) async fn find_step(
    connection: &mut SqliteConnection,
    workflow: i64,
    step_id: u32,
) -> Result<Option<Result<StepRecord, String>>, sqlx::Error> {
    let row = query(
        concat!(
            "SELECT ",
            step_columns!(),
            " FROM steps WHERE workflow = ? AND step_id = ?"
        ),
        values![workflow, step_id],
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.as_ref().map(step))
}

/// The number of an owner's execution as SQLite has numbers.
///
/// Requests with a greater one are refused before, so nothing is owned by what it is cut to.
pub(crate) fn execution(owner: Owner) -> i64 {
    i64::try_from(owner.execution).unwrap_or(i64::MAX)
}

/// Refuses an execution number that cannot be stored.
pub(crate) fn check_owner(operation: &'static str, owner: Owner) -> StoreResult<()> {
    if i64::try_from(owner.execution).is_err() {
        return Err(StoreError::new(StoreErrorKind::Invalid, operation)
            .with_message(format!("execution number {} is too large", owner.execution)));
    }
    Ok(())
}

fn encoding(outcome: &Outcome) -> &str {
    &outcome.payload().encoding
}
