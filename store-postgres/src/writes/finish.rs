use std::{cmp::Ordering, sync::Arc};

use durable_api::{
    WorkflowStatus,
    store::{FinishWorkflow, Outcome},
};

use super::execution;
use crate::{
    batch::{Batch, Column, Statement},
    database::{Access, Database, Work},
    error::Failure,
    record::column,
};

/// Why this is exact: an update that had to wait for another one judges its condition once more on
/// the row's new version (READ COMMITTED), so an owner that was replaced meanwhile finds no row.
///
/// The concatenation keeps the planner off the index of unfinished workflows, which looks
/// as good as the primary key while the table is small, and is not once it has grown.
const FINISH: &str = "
UPDATE {schema}.workflows w
SET status = r.status,
    outcome_encoding = r.encoding,
    outcome = r.outcome,
    updated_at = r.now,
    completed_at = r.now
FROM {rows}
WHERE w.id = r.id
  AND w.status || '' = 'PENDING'
  AND w.owner_incarnation = r.incarnation
  AND w.owner_execution = r.execution
RETURNING r.position";

const COLUMNS: [Column; 7] = [
    ("id", "text"),
    ("incarnation", "uuid"),
    ("execution", "bigint"),
    ("status", "text"),
    ("encoding", "text"),
    ("outcome", "bytea"),
    ("now", "bigint"),
];

/// Ends workflows.
#[derive(Debug)]
pub(crate) struct Finish {
    database: Database,
    statement: Statement,
}

impl Finish {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            statement: Statement::new(database, &COLUMNS, FINISH),
        }
    }
}

/// What became of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Written,
    /// Refused: by somebody else's ownership, or because this same call was applied before.
    Refused,
}

impl Batch for Finish {
    type Item = Arc<FinishWorkflow>;
    type Answer = Finished;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        one.workflow_id.cmp(&other.workflow_id)
    }

    fn weight(item: &Self::Item) -> usize {
        128 + item.workflow_id.len() + item.outcome.payload().bytes.len()
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(&self, mut work: Work, items: &[Self::Item]) -> Result<Vec<Finished>, Failure> {
        let query = self
            .statement
            .about(items)
            .column(|item| item.workflow_id.as_str())
            .column(|item| item.owner.incarnation.0)
            .column(|item| execution(item.owner))
            .column(|item| status(&item.outcome).as_str())
            .column(|item| &*item.outcome.payload().encoding)
            .column(|item| &*item.outcome.payload().bytes)
            .column(|item| item.now.as_millis());
        let rows = work.fetch(query.query()).await?;
        let mut answers = vec![Finished::Refused; items.len()];
        for row in rows {
            let position = usize::try_from(column::<i64>(&row, "position")?).unwrap_or(0);
            if let Some(answer) = position
                .checked_sub(1)
                .and_then(|index| answers.get_mut(index))
            {
                *answer = Finished::Written;
            }
        }
        work.commit().await?;
        Ok(answers)
    }
}

fn status(outcome: &Outcome) -> WorkflowStatus {
    match outcome {
        Outcome::Success(_) => WorkflowStatus::Success,
        Outcome::Failure(_) => WorkflowStatus::Error,
    }
}
