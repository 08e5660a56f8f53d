use std::{cmp::Ordering, sync::Arc};

use durable_api::store::{Outcome, RecordStep};

use super::execution;
use crate::{
    batch::{Batch, Column, Statement},
    database::{Access, Database, Work},
    error::Failure,
    record::column,
};

/// Why this is exact: a takeover or an outcome updates the workflow's row, and `FOR SHARE` and an update exclude
/// each other until the commit. Either the update waits for this statement, whose steps are then in
/// the history that a takeover reads; or this statement waits, and READ COMMITTED judges the
/// condition once more on the row's new version. (`FOR KEY SHARE` would not exclude an update.)
///
/// The subquery keeps its lock to itself, so rows are locked one by one in the order of the batch.
/// The concatenation keeps the planner off the index of unfinished workflows, which looks
/// as good as the primary key while the table is small, and is not once it has grown.
const RECORD: &str = "
WITH request AS (
    SELECT *
    FROM {rows}
), owned AS MATERIALIZED (
    SELECT r.*
    FROM request r
    CROSS JOIN LATERAL (
        SELECT 1
        FROM {schema}.workflows w
        WHERE w.id = r.workflow_id
          AND w.status || '' = 'PENDING'
          AND w.owner_incarnation = r.incarnation
          AND w.owner_execution = r.execution
        FOR SHARE
    ) AS locked
), recorded AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, failed, child_id,
                                started_at, completed_at, outcome_encoding, outcome, completions)
    SELECT workflow_id, step_id, name, failed, child_id,
           started_at, completed_at, encoding, outcome, completions
    FROM owned
    ON CONFLICT (workflow_id, step_id) DO NOTHING
    RETURNING workflow_id, step_id
)
SELECT owned.position, recorded.step_id IS NOT NULL AS recorded
FROM owned LEFT JOIN recorded USING (workflow_id, step_id)";

const COLUMNS: [Column; 12] = [
    ("workflow_id", "text"),
    ("incarnation", "uuid"),
    ("execution", "bigint"),
    ("step_id", "bigint"),
    ("name", "text"),
    ("failed", "boolean"),
    ("child_id", "text"),
    ("started_at", "bigint"),
    ("completed_at", "bigint"),
    ("encoding", "text"),
    ("outcome", "bytea"),
    ("completions", "text"),
];

/// Records checkpoints.
#[derive(Debug)]
pub(crate) struct Record {
    database: Database,
    statement: Statement,
}

impl Record {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            statement: Statement::new(database, &COLUMNS, RECORD),
        }
    }
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    Written,
    /// The owner may write, but the step has a checkpoint.
    Taken,
    NotOwner,
}

impl Batch for Record {
    type Item = Arc<RecordStep>;
    type Answer = Recorded;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        (&one.workflow_id, one.step.step_id).cmp(&(&other.workflow_id, other.step.step_id))
    }

    fn weight(item: &Self::Item) -> usize {
        let payload = item
            .step
            .outcome
            .as_ref()
            .map_or(0, |outcome| outcome.payload().bytes.len());
        128 + item.workflow_id.len() + item.step.name.len() + payload
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(&self, mut work: Work, items: &[Self::Item]) -> Result<Vec<Recorded>, Failure> {
        let query = self
            .statement
            .about(items)
            .column(|item| item.workflow_id.as_str())
            .column(|item| item.owner.incarnation.0)
            .column(|item| execution(item.owner))
            .column(|item| i64::from(item.step.step_id))
            .column(|item| item.step.name.as_str())
            .column(|item| {
                let outcome = item.step.outcome.as_ref();
                outcome.map(|outcome| matches!(outcome, Outcome::Failure(_)))
            })
            .column(|item| item.step.child_id.as_deref())
            .column(|item| item.step.started_at.as_millis())
            .column(|item| item.step.completed_at.as_millis())
            .column(|item| {
                item.step
                    .outcome
                    .as_ref()
                    .map(|outcome| &*outcome.payload().encoding)
            })
            .column(|item| {
                item.step
                    .outcome
                    .as_ref()
                    .map(|outcome| &*outcome.payload().bytes)
            })
            .column(|item| item.step.completions.as_deref());
        let rows = work.fetch(query.query()).await?;
        let mut answers = vec![Recorded::NotOwner; items.len()];
        for row in rows {
            let position = usize::try_from(column::<i64>(&row, "position")?).unwrap_or(0);
            let recorded = column::<bool>(&row, "recorded")?;
            if let Some(answer) = position
                .checked_sub(1)
                .and_then(|index| answers.get_mut(index))
            {
                *answer = if recorded {
                    Recorded::Written
                } else {
                    Recorded::Taken
                };
            }
        }
        work.commit().await?;
        Ok(answers)
    }
}
