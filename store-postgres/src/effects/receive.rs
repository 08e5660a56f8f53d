use std::{cmp::Ordering, sync::Arc};

use durable_api::{Payload, store::ReceiveMessage};

use super::fence::{self, Fenced};
use crate::{
    batch::{Batch, Column, Statement},
    database::{Access, Database, Work},
    error::Failure,
    record,
};

/// `FOR UPDATE` makes a second receiver wait for the first, and then pass on to the next message. If it finds none, though its
/// snapshot has one, then the other receiver may have had the same step, and it has to look again.
const RECEIVE: &str = "
found AS MATERIALIZED (
    SELECT o.position, m.workflow_id, m.message_id, m.encoding, m.payload
    FROM owned o
    CROSS JOIN LATERAL (
        SELECT *
        FROM {schema}.messages m
        WHERE m.workflow_id = o.workflow_id AND m.topic = o.topic AND NOT m.consumed
        ORDER BY m.sequence
        LIMIT 1
        FOR UPDATE
    ) AS m
    WHERE NOT o.taken
), consumed AS (
    UPDATE {schema}.messages m
    SET consumed = true, encoding = NULL, payload = NULL
    FROM found f
    WHERE m.workflow_id = f.workflow_id AND m.message_id = f.message_id
), recorded AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, failed, started_at, completed_at,
                                outcome_encoding, outcome, completions)
    SELECT o.workflow_id, o.step_id, o.step_name,
           CASE WHEN f.position IS NOT NULL THEN false END, o.started_at, o.now,
           f.encoding, f.payload, o.completions
    FROM owned o LEFT JOIN found f USING (position)
    WHERE NOT o.taken AND (f.position IS NOT NULL OR o.give_up)
    ORDER BY o.position
)
SELECT o.position, o.taken, o.workflow_id, o.give_up, f.encoding, f.payload,
       CASE WHEN f.position IS NULL THEN (
           SELECT true FROM {schema}.messages m
           WHERE m.workflow_id = o.workflow_id AND m.topic = o.topic AND NOT m.consumed
           LIMIT 1
       ) END AS missed
FROM owned o LEFT JOIN found f USING (position)";

const COLUMNS: [Column; 2] = [("topic", "text"), ("give_up", "boolean")];

/// What there was to receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Message(Payload),
    /// Nothing; recorded, if the receiver gave up.
    Nothing,
}

/// Receives messages. Two receivers of one topic never share a batch.
#[derive(Debug)]
pub(crate) struct Receive {
    database: Database,
    statement: Statement,
}

impl Receive {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            statement: fence::statement(database, &COLUMNS, RECEIVE),
        }
    }
}

impl Batch for Receive {
    type Item = Arc<ReceiveMessage>;
    type Answer = Option<Fenced<Received>>;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        (&one.step.workflow_id, &one.topic).cmp(&(&other.step.workflow_id, &other.topic))
    }

    fn weight(item: &Self::Item) -> usize {
        // A message comes back.
        4096 + item.step.workflow_id.len() + item.topic.len()
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(
        &self,
        mut work: Work,
        items: &[Self::Item],
    ) -> Result<Vec<Option<Fenced<Received>>>, Failure> {
        let query = fence::filled(
            &self.statement,
            items,
            |item| Some(&item.step),
            |item| item.now,
        )
        .column(|item| item.topic.as_str())
        .column(|item| item.give_up);
        let rows = work.fetch(query.query()).await?;
        let answers = fence::answers(items.len(), &rows, |row| {
            let id: String = record::column(row, "workflow_id")?;
            let payload = record::payload(row, "encoding", "payload")
                .map_err(|damage| record::corrupt(&id, &format!("of a message, the {damage}")))?;
            let missed = record::column::<Option<bool>>(row, "missed")?;
            // Giving up is recorded, so the step was free.
            let given_up: bool = record::column(row, "give_up")?;
            Ok(match payload {
                Some(payload) => Some(Received::Message(payload)),
                None if missed == Some(true) && !given_up => None,
                None => Some(Received::Nothing),
            })
        })?;
        work.commit().await?;
        Ok(answers)
    }
}
