use durable_api::{
    Timestamp,
    store::{BulkOutcome, CancelWorkflows},
};
use sqlx::SqliteConnection;

use super::family::Family;
use crate::{
    sql::{json_numbers, query, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for CancelWorkflows {
    type Answer = BulkOutcome;

    const OPERATION: &'static str = "cancel_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<BulkOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<BulkOutcome, Trouble> {
        let family = Family::find(connection, &self.ids, self.children).await?;
        let (seqs, outcome) = family.those(Self::OPERATION, |status| !status.is_final())?;
        cancel(connection, seqs, self.now).await?;
        Ok(outcome)
    }

    fn wake(&self, answer: &BulkOutcome, hints: &mut Hints) {
        hints.workflows(&answer.changed);
    }
}

/// Ends the workflows in these rows, and takes them from their owners.
pub(super) async fn cancel(
    connection: &mut SqliteConnection,
    seqs: Vec<i64>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    query(
        "UPDATE workflows SET status = 'CANCELLED', owner_incarnation = NULL, owner_execution = NULL, \
             updated_at = ?, completed_at = ? \
         WHERE seq IN (SELECT value FROM json_each(?))",
        values![now, now, json_numbers(seqs)],
    )
    .execute(connection)
    .await?;
    Ok(())
}
