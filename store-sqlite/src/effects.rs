//! Effects of a workflow's step, which commit together with the step's checkpoint.
use durable_api::{
    Payload, Timestamp,
    store::{DamagedWorkflow, StepRecord, StepRef, StoreResult},
};
use sqlx::SqliteConnection;

use crate::{
    error::check_texts,
    record::corrupt,
    sql::{Value, query, values},
    steps::{check_owner, find_step, owned},
    writer::Trouble,
};

/// How an effect stands with its step.
pub(crate) enum Standing {
    /// It may be written, for the workflow in this row.
    Clear(i64),
    /// The step has a checkpoint.
    Recorded(StepRecord),
    /// The workflow is not pending, or belongs to another execution.
    NotOwner,
}

/// Refuses a step that cannot be stored.
pub(crate) fn check_step(operation: &'static str, step: &StepRef) -> StoreResult<()> {
    check_texts(
        operation,
        [step.workflow_id.as_str(), &step.name]
            .into_iter()
            .chain(step.completions.as_deref()),
    )?;
    check_owner(operation, step.owner)
}

/// Judges whether an effect may be written. One inside a step must not come after the step's checkpoint either.
pub(crate) async fn judge(
    connection: &mut SqliteConnection,
    operation: &'static str,
    step: &StepRef,
) -> Result<Standing, Trouble> {
    let Some(workflow) = owned(connection, &step.workflow_id, step.owner).await? else {
        return Ok(Standing::NotOwner);
    };
    let found = find_step(connection, workflow, step.step_id)
        .await?
        .transpose()
        .map_err(|reason| corrupt(operation, &DamagedWorkflow::new(&step.workflow_id, reason)))?;
    Ok(found.map_or(Standing::Clear(workflow), Standing::Recorded))
}

/// Writes the step's checkpoint, if the effect is to: with a success, or without an outcome.
pub(crate) async fn record(
    connection: &mut SqliteConnection,
    workflow: i64,
    step: &StepRef,
    success: Option<&Payload>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if !step.recorded {
        return Ok(());
    }
    query(
        "INSERT INTO steps (workflow, step_id, name, started_at, completed_at, \
             failed, outcome_encoding, outcome, completions) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            workflow,
            step.step_id,
            step.name.as_str(),
            step.started_at,
            now,
            success.map(|_| 0_i64),
            success.map(|payload| &*payload.encoding),
            success.map_or(Value::Null, |payload| Value::from(&payload.bytes)),
            step.completions.as_deref(),
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}
