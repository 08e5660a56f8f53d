use durable_api::{
    WorkflowStatus,
    store::{FinishOutcome, FinishWorkflow, Outcome},
};
use sqlx::SqliteConnection;

use super::find;
use crate::{
    record::corrupt,
    sql::{Value, query, values},
    steps::execution,
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for FinishWorkflow {
    type Answer = FinishOutcome;

    const OPERATION: &'static str = "finish_workflow";

    fn size(&self) -> usize {
        self.outcome.payload().bytes.len()
    }

    fn quick(&self) -> Option<Quick<FinishOutcome>> {
        Some(Quick {
            sql: FINISH,
            values: finish_values(self),
            done: FinishOutcome::Finished,
        })
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<FinishOutcome, Trouble> {
        let found = find(connection, &self.workflow_id)
            .await?
            .transpose()
            .map_err(|damaged| corrupt(Self::OPERATION, &damaged))?;
        let status = found
            .filter(|row| row.owner == Some(self.owner))
            .map(|row| row.status);
        Ok(match status {
            Some(WorkflowStatus::Pending) => {
                query(FINISH, finish_values(self))
                    .execute(connection)
                    .await?;
                FinishOutcome::Finished
            }
            // The owner stays on record, so this is the repetition of its own call.
            Some(WorkflowStatus::Success | WorkflowStatus::Error) => FinishOutcome::Finished,
            _ => FinishOutcome::NotOwner,
        })
    }

    fn wake(&self, answer: &FinishOutcome, hints: &mut Hints) {
        if *answer == FinishOutcome::Finished {
            hints.workflow(&self.workflow_id);
        }
    }
}

const FINISH: &str = "UPDATE workflows SET status = ?, outcome_encoding = ?, outcome = ?, \
    updated_at = ?, completed_at = ? \
    WHERE id = ? AND status = 'PENDING' AND owner_incarnation = ? AND owner_execution = ?";

fn finish_values(request: &FinishWorkflow) -> Vec<Value> {
    let status = match &request.outcome {
        Outcome::Success(_) => WorkflowStatus::Success,
        Outcome::Failure(_) => WorkflowStatus::Error,
    };
    let payload = request.outcome.payload();
    values![
        status.as_str(),
        &*payload.encoding,
        &payload.bytes,
        request.now,
        request.now,
        request.workflow_id.as_str(),
        request.owner.incarnation,
        execution(request.owner),
    ]
}
