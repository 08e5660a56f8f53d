use durable_api::store::{BulkOutcome, DeleteWorkflows};
use sqlx::SqliteConnection;

use super::family::Family;
use crate::{
    sql::{json_numbers, query, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for DeleteWorkflows {
    type Answer = BulkOutcome;

    const OPERATION: &'static str = "delete_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<BulkOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<BulkOutcome, Trouble> {
        let family = Family::find(connection, &self.ids, self.children).await?;
        let (seqs, outcome) = family.all();
        delete(connection, seqs).await?;
        Ok(outcome)
    }

    fn wake(&self, answer: &BulkOutcome, hints: &mut Hints) {
        hints.workflows(&answer.changed);
    }
}

/// Deletes the workflows in these rows. What belongs to them goes by the foreign keys.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    seqs: Vec<i64>,
) -> Result<(), sqlx::Error> {
    query(
        "DELETE FROM workflows WHERE seq IN (SELECT value FROM json_each(?))",
        values![json_numbers(seqs)],
    )
    .execute(connection)
    .await?;
    Ok(())
}
