use durable_api::store::{SendMessage, SendOutcome};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    effects::{Standing, judge, record},
    sql::{Value, query, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for SendMessage {
    type Answer = SendOutcome;

    const OPERATION: &'static str = "send_message";

    fn size(&self) -> usize {
        self.payload.bytes.len()
    }

    fn quick(&self) -> Option<Quick<SendOutcome>> {
        if self.sender.is_some() {
            return None;
        }
        Some(Quick {
            sql: SEND,
            values: send_values(self),
            done: SendOutcome::Sent,
        })
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<SendOutcome, Trouble> {
        let sender = match &self.sender {
            None => None,
            Some(step) => match judge(connection, Self::OPERATION, step).await? {
                Standing::Clear(row) => Some((row, step)),
                Standing::Recorded(found) => return Ok(SendOutcome::AlreadyRecorded(found)),
                Standing::NotOwner => return Ok(SendOutcome::NotOwner),
            },
        };
        if !exists(connection, &self.destination).await? {
            return Ok(SendOutcome::UnknownDestination);
        }
        query(SEND, send_values(self))
            .execute(&mut *connection)
            .await?;
        if let Some((row, step)) = sender {
            record(connection, row, step, None, self.now).await?;
        }
        Ok(SendOutcome::Sent)
    }

    fn wake(&self, answer: &SendOutcome, hints: &mut Hints) {
        if *answer == SendOutcome::Sent {
            hints.workflow(&self.destination);
        }
    }
}

/// Leaves a message, unless the destination does not exist or knows the id.
const SEND: &str = "INSERT INTO messages (workflow, topic, message_id, encoding, payload) \
    SELECT seq, ?, ?, ?, ? FROM workflows WHERE id = ? \
    ON CONFLICT DO NOTHING";

fn send_values(request: &SendMessage) -> Vec<Value> {
    values![
        request.topic.as_str(),
        request.message_id.as_str(),
        &*request.payload.encoding,
        &request.payload.bytes,
        request.destination.as_str(),
    ]
}

async fn exists(connection: &mut SqliteConnection, id: &str) -> Result<bool, sqlx::Error> {
    query(
        "SELECT EXISTS (SELECT 1 FROM workflows WHERE id = ?)",
        values![id],
    )
    .fetch_one(connection)
    .await?
    .try_get(0)
}
