use std::{cmp::Ordering, sync::Arc};

use durable_api::store::{SendMessage, Wakeup};

use super::fence::{self, Fenced};
use crate::{
    batch::{Batch, Column, Statement},
    database::{Access, Database, Work},
    error::Failure,
    record::column,
};

/// `FOR KEY SHARE` keeps the destination from being deleted, and does not disturb its own execution. The
/// advisory lock, one for each destination, lasts until the commit: whoever gets a higher sequence was accepted
/// later, and is seen later. It is taken after all locks of rows, in an order that is everywhere the same.
const SEND: &str = "
reached AS MATERIALIZED (
    SELECT o.*
    FROM owned o
    CROSS JOIN LATERAL (
        SELECT 1 FROM {schema}.workflows w WHERE w.id = o.destination FOR KEY SHARE
    ) AS there
    WHERE NOT o.taken
), placed AS MATERIALIZED (
    SELECT r.*, pg_advisory_xact_lock(r.inbox)::text AS held
    FROM (SELECT * FROM reached ORDER BY inbox) r
), sent AS (
    INSERT INTO {schema}.messages (workflow_id, message_id, topic, encoding, payload)
    SELECT destination, message_id, topic, encoding, payload
    FROM placed
    WHERE held IS NOT NULL
    ORDER BY position
    ON CONFLICT (workflow_id, message_id) DO NOTHING
), recorded AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, started_at, completed_at, completions)
    SELECT workflow_id, step_id, step_name, started_at, now, completions
    FROM placed
    WHERE recorded
    ORDER BY position
)
SELECT o.position, o.taken, r.position IS NOT NULL AS reached
FROM owned o LEFT JOIN reached r USING (position)";

const COLUMNS: [Column; 6] = [
    ("destination", "text"),
    ("topic", "text"),
    ("message_id", "text"),
    ("encoding", "text"),
    ("payload", "bytea"),
    ("inbox", "bigint"),
];

/// Sends messages. Whether a message reached its destination is the answer.
#[derive(Debug)]
pub(crate) struct Deliver {
    database: Database,
    statement: Statement,
}

impl Deliver {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            statement: fence::statement(database, &COLUMNS, SEND),
        }
    }
}

impl Batch for Deliver {
    type Item = Arc<SendMessage>;
    type Answer = Option<Fenced<bool>>;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        (&one.destination, &one.message_id).cmp(&(&other.destination, &other.message_id))
    }

    fn weight(item: &Self::Item) -> usize {
        256 + item.destination.len() + item.topic.len() + item.payload.bytes.len()
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(
        &self,
        mut work: Work,
        items: &[Self::Item],
    ) -> Result<Vec<Option<Fenced<bool>>>, Failure> {
        let query = fence::filled(
            &self.statement,
            items,
            |item| item.sender.as_ref(),
            |item| item.now,
        )
        .column(|item| item.destination.as_str())
        .column(|item| item.topic.as_str())
        .column(|item| item.message_id.as_str())
        .column(|item| &*item.payload.encoding)
        .column(|item| &*item.payload.bytes)
        // Stores in other schemas may share a lock, which costs them time alone.
        // Stores in other schemas may share a lock, which costs them time alone.
        .column(|item| Wakeup::key(&item.destination).cast_signed());
        let rows = work.fetch(query.query()).await?;
        let answers = fence::answers(items.len(), &rows, |row| column(row, "reached").map(Some))?;
        work.commit().await?;
        Ok(answers)
    }
}
