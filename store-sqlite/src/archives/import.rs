use durable_api::{
    WorkflowStatus,
    store::{ImportOutcome, Outcome, WorkflowArchive, WorkflowRecord},
};
use sqlx::SqliteConnection;

use super::rows;
use crate::{
    attributes::index_attributes,
    workflows::find,
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for WorkflowArchive {
    type Answer = ImportOutcome;

    const OPERATION: &'static str = "import_workflow";

    fn size(&self) -> usize {
        let steps = self.steps.iter().filter_map(|step| step.outcome.as_ref());
        let values = self.streams.iter().flat_map(|stream| &stream.values);
        self.record
            .input
            .iter()
            .chain(steps.map(Outcome::payload))
            .chain(self.events.iter().map(|event| &event.value))
            .chain(values.map(|(_, value)| value))
            .chain(self.messages.iter().map(|message| &message.payload))
            .map(|payload| payload.bytes.len())
            .sum()
    }

    fn quick(&self) -> Option<Quick<ImportOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ImportOutcome, Trouble> {
        let record = &self.record;
        if find(connection, &record.id).await?.is_some() {
            return Ok(ImportOutcome::Exists);
        }
        let row = rows::insert_workflow(connection, record, status(record)).await?;
        index_attributes(connection, row, &record.attributes).await?;
        for step in &self.steps {
            rows::insert_step(connection, row, step).await?;
        }
        for event in &self.events {
            rows::insert_event(connection, row, event).await?;
        }
        rows::insert_streams(connection, row, &self.streams).await?;
        for message in &self.messages {
            rows::insert_message(connection, row, message).await?;
        }
        Ok(ImportOutcome::Imported)
    }

    fn wake(&self, answer: &ImportOutcome, hints: &mut Hints) {
        if *answer == ImportOutcome::Exists {
            return;
        }
        match status(&self.record) {
            WorkflowStatus::Pending => hints.claimable(),
            status if !status.is_final() => hints.enqueued(),
            _ => {}
        }
    }
}

/// The status of an imported workflow: nobody runs it, so one that has a queue waits there.
fn status(record: &WorkflowRecord) -> WorkflowStatus {
    match record.status {
        WorkflowStatus::Pending if record.queue.is_some() => WorkflowStatus::Enqueued,
        status => status,
    }
}
