use async_trait::async_trait;
use durable_api::store::{RecordOutcome, RecordStep, StepRecord, StepStore, StoreResult};

use crate::{MemoryStore, error::check_texts};

#[async_trait]
impl StepStore for MemoryStore {
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome> {
        let step = &request.step;
        check_texts(
            "record_step",
            [step.name.as_str()]
                .into_iter()
                .chain(step.completions.as_deref()),
        )?;
        let tables = self.shared_tables();
        if !tables.may_write(&request.workflow_id, request.owner) {
            return Ok(RecordOutcome::NotOwner);
        }
        let steps = tables.steps(&request.workflow_id);
        Ok(steps.map_or(RecordOutcome::NotOwner, |steps| steps.record(request.step)))
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        Ok(self.shared_tables().history(workflow_id))
    }
}
