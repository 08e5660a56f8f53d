use durable_api::store::{DamagedWorkflow, ReceiveMessage, ReceiveOutcome};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    effects::{Standing, judge, record},
    record::{corrupt, payload},
    sql::{query, values},
    writer::{Quick, Trouble, Write},
};

impl Write for ReceiveMessage {
    type Answer = ReceiveOutcome;

    const OPERATION: &'static str = "receive_message";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<ReceiveOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ReceiveOutcome, Trouble> {
        let workflow = match judge(connection, Self::OPERATION, &self.step).await? {
            Standing::Clear(row) => row,
            Standing::Recorded(found) => return Ok(ReceiveOutcome::AlreadyRecorded(found)),
            Standing::NotOwner => return Ok(ReceiveOutcome::NotOwner),
        };
        let oldest = query(
            "SELECT seq, encoding, payload FROM messages \
             WHERE workflow = ? AND topic = ? AND encoding IS NOT NULL ORDER BY seq LIMIT 1",
            values![workflow, self.topic.as_str()],
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = oldest else {
            if !self.give_up {
                return Ok(ReceiveOutcome::Empty);
            }
            record(connection, workflow, &self.step, None, self.now).await?;
            return Ok(ReceiveOutcome::GaveUp);
        };
        let message = payload(&row, "encoding", "payload")
            .and_then(|found| found.ok_or_else(|| "it is empty".to_owned()))
            .map_err(|reason| {
                let reason = format!("a message to it: {reason}");
                corrupt(
                    Self::OPERATION,
                    &DamagedWorkflow::new(&self.step.workflow_id, reason),
                )
            })?;
        query(
            "UPDATE messages SET encoding = NULL, payload = NULL WHERE seq = ?",
            values![row.try_get::<i64, _>("seq")?],
        )
        .execute(&mut *connection)
        .await?;
        record(connection, workflow, &self.step, Some(&message), self.now).await?;
        Ok(ReceiveOutcome::Received(message))
    }
}
