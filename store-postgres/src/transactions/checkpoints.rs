use async_trait::async_trait;
use durable_api::store::{Outcome, StepRecord, StepRef};
use sqlx::PgConnection;

use super::ledger::{Ledger, Sealed, Standing};
use crate::{
    database::Database,
    error::{Failure, Stage},
    record::{self, STEP_COLUMNS, column},
    writes::execution,
};

/// The checkpoints of the store.
pub(super) struct Checkpoints<'a>(pub(super) &'a Database);

/// As `record_step` for one step. The workflow's row is locked and read, and no other is read, so that transactions that are
/// serializable do not meet in anything of ours.
const SEAL: &str = "
WITH owned AS MATERIALIZED (
    SELECT w.id
    FROM {schema}.workflows w
    WHERE w.id = $1
      AND w.status || '' = 'PENDING'
      AND w.owner_incarnation = $2
      AND w.owner_execution = $3
      AND current_setting('durable.transaction', true) = $4
    FOR SHARE
), recorded AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, failed, child_id,
                                started_at, completed_at, outcome_encoding, outcome, completions)
    SELECT id, $5, $6, $7, $8, $9, $10, $11, $12, $13
    FROM owned
    ON CONFLICT (workflow_id, step_id) DO NOTHING
    RETURNING 1
)
SELECT coalesce(current_setting('durable.transaction', true), '') = $4 AS same,
       EXISTS (SELECT FROM owned) AS owned,
       EXISTS (SELECT FROM recorded) AS recorded";

#[async_trait]
impl Ledger for Checkpoints<'_> {
    async fn judge(&self, step: &StepRef) -> Result<Standing, Failure> {
        let Self(database) = self;
        let sql = format!(
            "SELECT {STEP_COLUMNS}
             FROM {{schema}}.workflows w
             LEFT JOIN {{schema}}.steps s ON s.workflow_id = w.id AND s.step_id = $4
             WHERE w.id = $1 AND w.status || '' = 'PENDING'
               AND w.owner_incarnation = $2 AND w.owner_execution = $3"
        );
        let query = database
            .query(&sql)
            .bind(&step.workflow_id)
            .bind(step.owner.incarnation.0)
            .bind(execution(step.owner))
            .bind(i64::from(step.step_id));
        let rows = database.read(query).await?;
        let Some(row) = rows.first() else {
            return Ok(Standing::NotOwner);
        };
        Ok(match column::<Option<i64>>(row, "step_id")? {
            None => Standing::Clear,
            Some(_) => Standing::Recorded(record::step_of(&step.workflow_id, row)?),
        })
    }

    async fn seal(
        &self,
        connection: &mut PgConnection,
        marker: &str,
        step: &StepRef,
        record: &StepRecord,
    ) -> Result<Sealed, Failure> {
        let outcome = record.outcome.as_ref();
        let query = self
            .0
            .query(SEAL)
            .bind(&step.workflow_id)
            .bind(step.owner.incarnation.0)
            .bind(execution(step.owner))
            .bind(marker)
            .bind(i64::from(record.step_id))
            .bind(&record.name)
            .bind(outcome.map(|outcome| matches!(outcome, Outcome::Failure(_))))
            .bind(&record.child_id)
            .bind(record.started_at.as_millis())
            .bind(record.completed_at.as_millis())
            .bind(outcome.map(|outcome| &*outcome.payload().encoding))
            .bind(outcome.map(|outcome| &*outcome.payload().bytes))
            .bind(&record.completions);
        let row = query.fetch_one(connection).await;
        let row = row.map_err(|error| Failure::from_driver(error, Stage::Uncommitted))?;
        let (same, owned, recorded): (bool, bool, bool) = (
            column(&row, "same")?,
            column(&row, "owned")?,
            column(&row, "recorded")?,
        );
        Ok(match (same, owned, recorded) {
            (false, ..) => Sealed::Gone,
            (true, false, _) => Sealed::NotOwner,
            (true, true, false) => Sealed::Taken,
            (true, true, true) => Sealed::Written,
        })
    }
}
