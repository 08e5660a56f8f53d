use std::{cmp::Ordering, sync::Arc};

use durable_api::store::SetEvent;

use super::fence::{self, Fenced};
use crate::{
    batch::{Batch, Column, Statement},
    database::{Access, Database, Work},
    error::Failure,
};

const SET: &str = "
set AS (
    INSERT INTO {schema}.events (workflow_id, key, step_id, encoding, value)
    SELECT workflow_id, key, step_id, encoding, value
    FROM owned
    WHERE NOT taken
    ORDER BY position
    ON CONFLICT (workflow_id, key, step_id)
    DO UPDATE SET sequence = EXCLUDED.sequence, encoding = EXCLUDED.encoding, value = EXCLUDED.value
), recorded AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, started_at, completed_at, completions)
    SELECT workflow_id, step_id, step_name, started_at, now, completions
    FROM owned
    WHERE NOT taken AND recorded
    ORDER BY position
)
SELECT position, taken FROM owned";

const COLUMNS: [Column; 3] = [("key", "text"), ("encoding", "text"), ("value", "bytea")];

/// Sets events. Two values of one event never share a batch, so the order of setting is that of the commits.
#[derive(Debug)]
pub(crate) struct Set {
    database: Database,
    statement: Statement,
}

impl Set {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            statement: fence::statement(database, &COLUMNS, SET),
        }
    }
}

impl Batch for Set {
    type Item = Arc<SetEvent>;
    type Answer = Option<Fenced<()>>;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        (&one.step.workflow_id, &one.key).cmp(&(&other.step.workflow_id, &other.key))
    }

    fn weight(item: &Self::Item) -> usize {
        256 + item.step.workflow_id.len() + item.key.len() + item.value.bytes.len()
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(
        &self,
        mut work: Work,
        items: &[Self::Item],
    ) -> Result<Vec<Option<Fenced<()>>>, Failure> {
        let query = fence::filled(
            &self.statement,
            items,
            |item| Some(&item.step),
            |item| item.now,
        )
        .column(|item| item.key.as_str())
        .column(|item| &*item.value.encoding)
        .column(|item| &*item.value.bytes);
        let rows = work.fetch(query.query()).await?;
        let answers = fence::answers(items.len(), &rows, |_| Ok(Some(())))?;
        work.commit().await?;
        Ok(answers)
    }
}
