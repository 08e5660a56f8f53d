use async_trait::async_trait;
use durable_api::store::{RecordOutcome, RecordStep, StepRecord, StepStore, StoreResult};

use crate::{MemoryStore, error::check_texts};

#[async_trait]
impl StepStore for MemoryStore {
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome> {
        check_texts("record_step", [request.step.name.as_str()])?;
        let mut tables = self.tables();
        if !tables.may_write(&request.workflow_id, request.owner) {
            return Ok(RecordOutcome::NotOwner);
        }
        if let Some(step) = tables.step(&request.workflow_id, request.step.step_id) {
            return Ok(RecordOutcome::AlreadyRecorded(step.clone()));
        }
        tables.put_step(&request.workflow_id, request.step);
        Ok(RecordOutcome::Recorded)
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        Ok(self.tables().history(workflow_id))
    }
}
