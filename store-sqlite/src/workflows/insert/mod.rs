mod accept;
mod checkpoint;

use durable_api::store::{InsertOutcome, InsertWorkflow};
use sqlx::SqliteConnection;

use crate::{
    executors::is_registered,
    writer::{Hints, Quick, Trouble, Write},
};
use accept::{ENQUEUE, START, enqueue_values, start_values};
pub(crate) use accept::{accept, check, timeout_column};
use checkpoint::{Checkpoint, judge, write};

impl Write for InsertWorkflow {
    type Answer = InsertOutcome;

    const OPERATION: &'static str = "insert_workflow";

    fn size(&self) -> usize {
        self.input.bytes.len()
    }

    fn quick(&self) -> Option<Quick<InsertOutcome>> {
        if self.parent.is_some() || !self.attributes.is_empty() {
            return None;
        }
        let (sql, values) = match &self.enqueue {
            None => (START, start_values(self)),
            Some(enqueue) if enqueue.debounce.is_none() => (ENQUEUE, enqueue_values(self, enqueue)),
            // Which workflow is pushed back must be looked up first.
            Some(_) => return None,
        };
        Some(Quick {
            sql,
            values,
            done: InsertOutcome::Inserted,
        })
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<InsertOutcome, Trouble> {
        if self.enqueue.is_none() && !is_registered(connection, self.owner.incarnation).await? {
            return Ok(InsertOutcome::UnknownExecutor);
        }
        let checkpoint = match &self.parent {
            None => Checkpoint::Written,
            Some(parent) => judge(connection, parent, self).await?,
        };
        let parent_row = match checkpoint {
            Checkpoint::Refused(outcome) => return Ok(*outcome),
            Checkpoint::Written => None,
            Checkpoint::Wanted(row) => Some(row),
        };
        let outcome = accept(connection, self).await?;
        let child = match &outcome {
            InsertOutcome::Inserted | InsertOutcome::Existing(_) => &self.id,
            InsertOutcome::Debounced(id) | InsertOutcome::Deduplicated(id) => id,
            _ => return Ok(outcome),
        };
        if let (Some(parent), Some(row)) = (&self.parent, parent_row) {
            write(connection, row, parent, child, self.now).await?;
        }
        Ok(outcome)
    }

    fn wake(&self, answer: &InsertOutcome, hints: &mut Hints) {
        let waits = matches!(
            answer,
            InsertOutcome::Inserted | InsertOutcome::Debounced(_)
        );
        if waits && self.enqueue.is_some() {
            hints.enqueued();
        }
    }
}
