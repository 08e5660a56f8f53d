use std::{
    cmp::Ordering,
    sync::{Arc, LazyLock},
};

use durable_api::store::{SendMessage, Wakeup};

use super::fence::{self, Fenced};
use crate::{
    batch::Batch,
    database::{Access, Database, Work},
    error::Failure,
    record::column,
    writes::bind_column,
};

/// `FOR KEY SHARE` keeps the destination from being deleted, and does not disturb its own execution. The
/// advisory lock, one for each destination, lasts until the commit: whoever gets a higher sequence was accepted
/// later, and is seen later. It is taken after all locks of rows, in an order that is everywhere the same.
static SEND: LazyLock<String> = LazyLock::new(|| {
    fence::statement(
        "$10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[], $15::bigint[]",
        "destination, topic, message_id, encoding, payload, inbox",
        "
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
FROM owned o LEFT JOIN reached r USING (position)",
    )
});

/// Sends messages. Whether a message reached its destination is the answer.
#[derive(Debug)]
pub(crate) struct Deliver(pub(crate) Database);

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
        self.0.single(Access::Write).await
    }

    async fn commit(
        &self,
        mut work: Work,
        items: &[Self::Item],
    ) -> Result<Vec<Option<Fenced<bool>>>, Failure> {
        let query = fence::query(
            &self.0,
            &SEND,
            items,
            |item| item.sender.as_ref(),
            |item| item.now,
        );
        let query = bind_column(query, items, |item| item.destination.as_str());
        let query = bind_column(query, items, |item| item.topic.as_str());
        let query = bind_column(query, items, |item| item.message_id.as_str());
        let query = bind_column(query, items, |item| &*item.payload.encoding);
        let query = bind_column(query, items, |item| &*item.payload.bytes);
        // Stores in other schemas may share a lock, which costs them time alone.
        let query = bind_column(query, items, |item| {
            Wakeup::key(&item.destination).cast_signed()
        });
        let rows = work.fetch(query).await?;
        let answers = fence::answers(items.len(), &rows, |row| column(row, "reached").map(Some))?;
        work.commit().await?;
        Ok(answers)
    }
}
