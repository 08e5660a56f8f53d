use std::{cmp::Ordering, sync::Arc};

use durable_api::store::AppendStream;

use super::fence::{self, Fenced};
use crate::{
    batch::{Batch, Column, Statement},
    database::{Access, Database, Work},
    error::Failure,
    record::column,
};

/// The row in `streams` is locked by its change until the commit, and judged by its latest version: offsets are handed out
/// one after the other, and those of a transaction that is rolled back once more. If the stream is closed, though it is open in
/// the statement's snapshot, then this same write may have closed it, and it has to look again.
const APPEND: &str = "
known AS MATERIALIZED (
    SELECT o.position, v.place
    FROM owned o
    JOIN LATERAL (
        SELECT v.place FROM {schema}.stream_values v
        WHERE v.workflow_id = o.workflow_id AND v.write_id = o.write_id
        LIMIT 1
    ) AS v ON true
    WHERE NOT o.taken
), fresh AS MATERIALIZED (
    SELECT o.*, CASE WHEN o.encoding IS NULL THEN 0 ELSE 1 END AS added
    FROM owned o
    WHERE NOT o.taken AND o.position NOT IN (SELECT position FROM known)
), advanced AS (
    INSERT INTO {schema}.streams AS t (workflow_id, key, length, closed)
    SELECT workflow_id, key, added, encoding IS NULL
    FROM fresh
    ORDER BY position
    ON CONFLICT (workflow_id, key)
    DO UPDATE SET length = t.length + EXCLUDED.length, closed = EXCLUDED.closed
    WHERE NOT t.closed
    RETURNING workflow_id, key, length
), placed AS MATERIALIZED (
    SELECT f.*, a.length - f.added AS place
    FROM fresh f JOIN advanced a USING (workflow_id, key)
), written AS (
    INSERT INTO {schema}.stream_values (workflow_id, key, place, step_id, write_id, encoding, value)
    SELECT workflow_id, key, place, step_id, write_id, encoding, value
    FROM placed
    ORDER BY position
), recorded AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, started_at, completed_at, completions)
    SELECT workflow_id, step_id, step_name, started_at, now, completions
    FROM placed
    WHERE recorded
    ORDER BY position
)
SELECT o.position, o.taken, coalesce(k.place, p.place) AS place,
       (SELECT t.closed FROM {schema}.streams t
        WHERE t.workflow_id = o.workflow_id AND t.key = o.key) IS TRUE AS was_closed
FROM owned o LEFT JOIN known k USING (position) LEFT JOIN placed p USING (position)";

const COLUMNS: [Column; 4] = [
    ("key", "text"),
    ("encoding", "text"),
    ("value", "bytea"),
    ("write_id", "uuid"),
];

/// Where a write stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    At(u64),
    /// Nowhere: the stream was closed.
    Closed,
}

/// Appends to streams, and closes them. Two writes to one stream never share a batch.
#[derive(Debug)]
pub(crate) struct Append {
    database: Database,
    statement: Statement,
}

impl Append {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            statement: fence::statement(database, &COLUMNS, APPEND),
        }
    }
}

impl Batch for Append {
    type Item = Arc<AppendStream>;
    type Answer = Option<Fenced<Appended>>;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        (&one.step.workflow_id, &one.key).cmp(&(&other.step.workflow_id, &other.key))
    }

    fn weight(item: &Self::Item) -> usize {
        let value = item.value.as_ref().map_or(0, |value| value.bytes.len());
        256 + item.step.workflow_id.len() + item.key.len() + value
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(
        &self,
        mut work: Work,
        items: &[Self::Item],
    ) -> Result<Vec<Option<Fenced<Appended>>>, Failure> {
        let query = fence::filled(
            &self.statement,
            items,
            |item| Some(&item.step),
            |item| item.now,
        )
        .column(|item| item.key.as_str())
        .column(|item| item.value.as_ref().map(|value| &*value.encoding))
        .column(|item| item.value.as_ref().map(|value| &*value.bytes))
        .column(|item| item.write_id);
        let rows = work.fetch(query.query()).await?;
        let answers = fence::answers(items.len(), &rows, |row| {
            let place: Option<i64> = column(row, "place")?;
            let was_closed: bool = column(row, "was_closed")?;
            Ok(match place {
                Some(place) => Some(Appended::At(place.cast_unsigned())),
                None if was_closed => Some(Appended::Closed),
                None => None,
            })
        })?;
        work.commit().await?;
        Ok(answers)
    }
}
