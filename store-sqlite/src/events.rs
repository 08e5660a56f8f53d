use async_trait::async_trait;
use durable_api::{
    Payload,
    store::{DamagedWorkflow, EventLookup, EventStore, SetEvent, SetEventOutcome, StoreResult},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use crate::{
    SqliteStore,
    effects::{Standing, check_step, judge, record},
    error::check_texts,
    record::{corrupt, get, payload},
    sql::{Value, query, values},
    steps::execution,
    writer::{Hints, Quick, Trouble, Write},
};

#[async_trait]
impl EventStore for SqliteStore {
    async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome> {
        check_texts(
            SetEvent::OPERATION,
            [request.key.as_str(), &request.value.encoding],
        )?;
        check_step(SetEvent::OPERATION, &request.step)?;
        self.write(request).await
    }

    async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup> {
        let rows = self
            .readers
            .fetch_all(
                "get_event",
                "SELECT events.encoding, events.value FROM workflows LEFT JOIN events ON events.seq = \
                     (SELECT max(seq) FROM events WHERE workflow = workflows.seq AND key = ?) \
                 WHERE workflows.id = ?",
                values![key, workflow_id],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Ok(EventLookup::UnknownWorkflow);
        };
        let value = payload(row, "encoding", "value")
            .map_err(|reason| damaged("get_event", workflow_id, &reason))?;
        Ok(value.map_or(EventLookup::Absent, EventLookup::Value))
    }

    async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>> {
        let rows = self
            .readers
            .fetch_all(
                "list_events",
                "SELECT key, encoding, value FROM events WHERE seq IN (SELECT max(seq) FROM events \
                     WHERE workflow = (SELECT seq FROM workflows WHERE id = ?) GROUP BY key) \
                 ORDER BY key",
                values![workflow_id],
            )
            .await?;
        rows.iter()
            .map(event)
            .collect::<Result<_, _>>()
            .map_err(|reason| damaged("list_events", workflow_id, &reason))
    }
}

impl Write for SetEvent {
    type Answer = SetEventOutcome;

    const OPERATION: &'static str = "set_event";

    fn size(&self) -> usize {
        self.value.bytes.len()
    }

    fn quick(&self) -> Option<Quick<SetEventOutcome>> {
        if self.step.recorded {
            return None;
        }
        Some(Quick {
            sql: SET,
            values: set_values(self),
            done: SetEventOutcome::Set,
        })
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<SetEventOutcome, Trouble> {
        let workflow = match judge(connection, Self::OPERATION, &self.step).await? {
            Standing::Clear(row) => row,
            Standing::Recorded(found) => return Ok(SetEventOutcome::AlreadyRecorded(found)),
            Standing::NotOwner => return Ok(SetEventOutcome::NotOwner),
        };
        query(SET, set_values(self))
            .execute(&mut *connection)
            .await?;
        record(connection, workflow, &self.step, None, self.now).await?;
        Ok(SetEventOutcome::Set)
    }

    fn wake(&self, answer: &SetEventOutcome, hints: &mut Hints) {
        if *answer == SetEventOutcome::Set {
            hints.workflow(&self.step.workflow_id);
        }
    }
}

/// Sets an event for the owner of a pending workflow, unless the step is recorded. Replacing makes the row the last one, as its value is.
const SET: &str = "INSERT OR REPLACE INTO events (workflow, key, step_id, encoding, value) \
    SELECT seq, ?, ?, ?, ? FROM workflows \
    WHERE id = ? AND status = 'PENDING' AND owner_incarnation = ? AND owner_execution = ? \
    AND NOT EXISTS (SELECT 1 FROM steps WHERE workflow = seq AND step_id = ?)";

fn set_values(request: &SetEvent) -> Vec<Value> {
    let step = &request.step;
    values![
        request.key.as_str(),
        step.step_id,
        &*request.value.encoding,
        &request.value.bytes,
        step.workflow_id.as_str(),
        step.owner.incarnation,
        execution(step.owner),
        step.step_id,
    ]
}

fn event(row: &SqliteRow) -> Result<(String, Payload), String> {
    let value = payload(row, "encoding", "value")?.ok_or("it has no value")?;
    Ok((get(row, "key")?, value))
}

fn damaged(
    operation: &'static str,
    workflow_id: &str,
    reason: &str,
) -> durable_api::store::StoreError {
    let reason = format!("an event of it: {reason}");
    corrupt(operation, &DamagedWorkflow::new(workflow_id, reason))
}
