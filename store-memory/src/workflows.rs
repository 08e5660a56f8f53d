use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        ClaimWorkflows, ClaimedWorkflows, FinishOutcome, FinishWorkflow, InsertOutcome,
        InsertWorkflow, Outcome, Payloads, StoreResult, Wakeup, WorkflowRecord, WorkflowStore,
    },
};

use crate::{
    MemoryStore,
    claim::claim,
    insert::{check_insertion, insert},
    tables::Tables,
};

#[async_trait]
impl WorkflowStore for MemoryStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        check_insertion("insert_workflow", &request)?;
        let queued = request.enqueue.is_some();
        let outcome = insert(&mut *self.tables_for("insert_workflow")?, request);
        let waits = matches!(
            outcome,
            InsertOutcome::Inserted | InsertOutcome::Debounced(_)
        );
        self.hint((queued && waits).then_some(Wakeup::Enqueued));
        Ok(outcome)
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        let row = self.shared_tables().workflows.get(id).cloned();
        Ok(row.map(|record| record.with_payloads(payloads)))
    }

    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        let hint = Wakeup::workflow(&request.workflow_id);
        let outcome = finish(&mut self.tables(), request);
        self.hint([hint]);
        Ok(outcome)
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        let answer = claim(&mut self.tables(), &request);
        self.hint((!answer.requeued.is_empty()).then_some(Wakeup::Enqueued));
        Ok(answer)
    }
}

fn finish(tables: &mut Tables, request: FinishWorkflow) -> FinishOutcome {
    let Some(row) = tables
        .workflows
        .get_mut(&request.workflow_id)
        .filter(|row| row.owner == Some(request.owner))
    else {
        return FinishOutcome::NotOwner;
    };
    match row.status {
        WorkflowStatus::Pending => {
            row.status = match &request.outcome {
                Outcome::Success(_) => WorkflowStatus::Success,
                Outcome::Failure(_) => WorkflowStatus::Error,
            };
            row.outcome = Some(request.outcome);
            row.updated_at = request.now;
            row.completed_at = Some(request.now);
            FinishOutcome::Finished
        }
        // The owner stays on record, so this is the repetition of its own call.
        WorkflowStatus::Success | WorkflowStatus::Error => FinishOutcome::Finished,
        _ => FinishOutcome::NotOwner,
    }
}
