use durable_api::{
    Payload,
    store::{ArchivedEvent, ArchivedMessage, ArchivedStream, Payloads, WorkflowArchive},
};
use sqlx::postgres::PgRow;

use crate::{
    database::{Access, Database, Work},
    error::Failure,
    record::{self, STEP_COLUMNS, column, workflow_columns},
    writes::check,
};

/// A close stands after the values, and has none itself.
const STREAMS: &str = "
SELECT t.key, v.step_id, v.encoding, v.value, v.place IS NULL AS is_empty
FROM {schema}.streams t
LEFT JOIN {schema}.stream_values v ON v.workflow_id = t.workflow_id AND v.key = t.key
WHERE t.workflow_id = $1
ORDER BY t.key, v.place, v.value IS NULL";

/// Reads a workflow with all that belongs to it, from one snapshot.
pub(super) async fn export(
    database: &Database,
    id: &str,
) -> Result<Option<WorkflowArchive>, Failure> {
    check([id], None, [])?;
    let work = database.transaction(Access::Read).await?;
    let mut export = Export { database, id, work };
    let archive = export.archive().await?;
    export.work.commit().await?;
    Ok(archive)
}

struct Export<'a> {
    database: &'a Database,
    id: &'a str,
    work: Work,
}

impl Export<'_> {
    async fn archive(&mut self) -> Result<Option<WorkflowArchive>, Failure> {
        let columns = workflow_columns(Payloads::Load);
        let sql = format!("SELECT {columns} FROM {{schema}}.workflows w WHERE w.id = $1");
        let rows = self.fetch(&sql).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let record = record::workflow(row, Payloads::Load);
        let record = record.map_err(|damage| record::corrupt(self.id, &damage))?;
        let mut archive = WorkflowArchive::new(record);

        let sql = format!(
            "SELECT {STEP_COLUMNS} FROM {{schema}}.steps s WHERE s.workflow_id = $1 ORDER BY s.step_id"
        );
        for row in self.fetch(&sql).await? {
            archive.steps.push(record::step_of(self.id, &row)?);
        }
        let sql = "SELECT key, step_id, encoding, value FROM {schema}.events
                   WHERE workflow_id = $1 ORDER BY key, sequence";
        for row in self.fetch(sql).await? {
            archive.events.push(ArchivedEvent {
                key: column(&row, "key")?,
                step_id: self.step_id(&row)?,
                value: self.payload(&row, "value")?,
            });
        }
        archive.streams = self.streams().await?;
        let sql = "SELECT topic, message_id, encoding, payload FROM {schema}.messages
                   WHERE workflow_id = $1 AND NOT consumed ORDER BY sequence";
        for row in self.fetch(sql).await? {
            archive.messages.push(ArchivedMessage {
                topic: column(&row, "topic")?,
                message_id: column(&row, "message_id")?,
                payload: self.payload(&row, "payload")?,
            });
        }
        Ok(Some(archive))
    }

    async fn streams(&mut self) -> Result<Vec<ArchivedStream>, Failure> {
        let mut streams: Vec<ArchivedStream> = Vec::new();
        for row in self.fetch(STREAMS).await? {
            let key: String = column(&row, "key")?;
            if streams.last().is_none_or(|last| last.key != key) {
                streams.push(ArchivedStream {
                    key,
                    values: Vec::new(),
                    closed_by: None,
                });
            }
            let Some(stream) = streams.last_mut() else {
                continue;
            };
            if column(&row, "is_empty")? {
                continue;
            }
            let step_id = self.step_id(&row)?;
            let value = record::payload(&row, "encoding", "value");
            match value.map_err(|damage| self.damaged("a stream", &damage))? {
                Some(value) => stream.values.push((step_id, value)),
                None => stream.closed_by = Some(step_id),
            }
        }
        Ok(streams)
    }

    async fn fetch(&mut self, sql: &str) -> Result<Vec<PgRow>, Failure> {
        let query = self.database.query(sql).bind(self.id.to_owned());
        self.work.fetch(query).await
    }

    fn step_id(&self, row: &PgRow) -> Result<u32, Failure> {
        let id: i64 = column(row, "step_id")?;
        u32::try_from(id).map_err(|_| self.damaged("what it wrote", &format!("step_id is {id}")))
    }

    fn payload(&self, row: &PgRow, bytes: &str) -> Result<Payload, Failure> {
        let payload = record::payload(row, "encoding", bytes);
        let payload = payload.map_err(|damage| self.damaged("what it has", &damage))?;
        payload.ok_or_else(|| self.damaged("what it has", &format!("{bytes} is missing")))
    }

    fn damaged(&self, place: &str, damage: &str) -> Failure {
        record::corrupt(self.id, &format!("in {place}, {damage}"))
    }
}
