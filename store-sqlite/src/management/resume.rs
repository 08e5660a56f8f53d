use durable_api::{
    WorkflowStatus,
    store::{BulkOutcome, ResumeWorkflows},
};
use sqlx::SqliteConnection;

use super::family::Family;
use crate::{
    sql::{json_numbers, query, values},
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for ResumeWorkflows {
    type Answer = BulkOutcome;

    const OPERATION: &'static str = "resume_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<BulkOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<BulkOutcome, Trouble> {
        let family = Family::find(connection, &self.ids, false).await?;
        let (seqs, outcome) = family.those(Self::OPERATION, |status| {
            matches!(
                status,
                WorkflowStatus::Cancelled | WorkflowStatus::MaxRecoveryAttemptsExceeded
            )
        })?;
        query(
            "UPDATE workflows SET status = 'PENDING', owner_incarnation = NULL, owner_execution = NULL, \
                 recovery_attempts = 0, deadline = NULL, outcome_encoding = NULL, outcome = NULL, \
                 completed_at = NULL, updated_at = ? \
             WHERE seq IN (SELECT value FROM json_each(?))",
            values![self.now, json_numbers(seqs)],
        )
        .execute(connection)
        .await?;
        Ok(outcome)
    }

    fn wake(&self, answer: &BulkOutcome, hints: &mut Hints) {
        if !answer.changed.is_empty() {
            hints.claimable();
        }
    }
}
