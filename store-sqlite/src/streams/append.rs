use durable_api::store::{AppendOutcome, AppendStream};
use sqlx::SqliteConnection;

use super::damaged;
use crate::{
    effects::{Standing, judge, record},
    record::{get, number},
    sql::{Value, query, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for AppendStream {
    type Answer = AppendOutcome;

    const OPERATION: &'static str = "append_stream";

    fn size(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.bytes.len())
    }

    fn quick(&self) -> Option<Quick<AppendOutcome>> {
        // The answer holds the offset, which only the transaction knows.
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<AppendOutcome, Trouble> {
        let workflow = match judge(connection, Self::OPERATION, &self.step).await? {
            Standing::Clear(row) => row,
            Standing::Recorded(found) => return Ok(AppendOutcome::AlreadyRecorded(found)),
            Standing::NotOwner => return Ok(AppendOutcome::NotOwner),
        };
        let write_id = Value::Blob(self.write_id.as_bytes().to_vec());
        let broken = |reason: String| damaged(Self::OPERATION, &self.step.workflow_id, &reason);
        let known = query(
            "SELECT position FROM stream_values WHERE workflow = ? AND write_id = ?",
            values![workflow, write_id.clone()],
        )
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = known {
            let offset = number(&row, "position").map_err(broken)?;
            return Ok(AppendOutcome::Appended { offset });
        }
        // One connection writes at a time, so nobody else takes the next offset.
        let last = query(
            "SELECT position, encoding IS NULL AS closes FROM stream_values \
             WHERE workflow = ? AND key = ? ORDER BY position DESC LIMIT 1",
            values![workflow, self.key.as_str()],
        )
        .fetch_optional(&mut *connection)
        .await?;
        let offset: u64 = match last {
            None => 0,
            Some(row) if get(&row, "closes").map_err(broken)? => return Ok(AppendOutcome::Closed),
            Some(row) => number::<u64>(&row, "position").map_err(broken)? + 1,
        };
        let value = self.value.as_ref();
        query(
            "INSERT INTO stream_values (workflow, key, position, step_id, write_id, encoding, value) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            values![
                workflow,
                self.key.as_str(),
                i64::try_from(offset).unwrap_or(i64::MAX),
                self.step.step_id,
                write_id,
                value.map(|value| &*value.encoding),
                value.map_or(Value::Null, |value| Value::from(&value.bytes)),
            ],
        )
        .execute(&mut *connection)
        .await?;
        record(connection, workflow, &self.step, None, self.now).await?;
        Ok(AppendOutcome::Appended { offset })
    }

    fn wake(&self, answer: &AppendOutcome, hints: &mut Hints) {
        if matches!(answer, AppendOutcome::Appended { .. }) {
            hints.workflow(&self.step.workflow_id);
        }
    }
}
