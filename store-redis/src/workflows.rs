pub(crate) mod claim;
pub(crate) mod enqueue;
mod insert;

use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        ClaimWorkflows, ClaimedWorkflows, FinishOutcome, FinishWorkflow, InsertOutcome,
        InsertWorkflow, Outcome, Owner, Payloads, StoreResult, WorkflowRecord, WorkflowStore,
    },
};

use crate::{
    RedisStore,
    call::Call,
    error::{damaged, invalid, malformed},
    record, reply,
    script::FINISH_WORKFLOW,
    steps::about,
};

#[async_trait]
impl WorkflowStore for RedisStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        match request.enqueue {
            None => insert::insert(self, request).await,
            Some(_) => enqueue::enqueue(self, request).await,
        }
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        const OPERATION: &str = "get_workflow";
        let found = self
            .link()
            .read(
                OPERATION,
                &record::read(&self.keys().workflow(id), payloads),
            )
            .await
            .map_err(|error| about(error, id))?;
        record::decode(id, found).map_err(|reason| damaged(OPERATION, id, &reason))
    }

    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        const OPERATION: &str = "finish_workflow";
        let id = &request.workflow_id;
        let status = match &request.outcome {
            Outcome::Success(_) => WorkflowStatus::Success,
            Outcome::Failure(_) => WorkflowStatus::Error,
        };
        let payload = request.outcome.payload();
        let value = Call::new(&FINISH_WORKFLOW, OPERATION, [self.keys().workflow(id)])
            .arg(self.keys().base())
            .arg(id)
            .text(record::owner(request.owner))
            .text(request.now.as_millis())
            .arg(status.as_str())
            .arg(payload.encoding.as_bytes())
            .arg(&payload.bytes)
            .write(self.link())
            .await
            .map_err(|error| about(error, id))?;

        let (answer, values) =
            reply::answer(value).ok_or_else(|| malformed(OPERATION, "the answer"))?;
        match answer.as_str() {
            "finished" => Ok(FinishOutcome::Finished),
            "not_owner" => Ok(FinishOutcome::NotOwner),
            "damaged" => {
                let (id, reason) =
                    reply::fault(values).ok_or_else(|| malformed(OPERATION, "the answer"))?;
                Err(damaged(OPERATION, &id, &reason))
            }
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        claim::claim(self, request).await
    }
}

/// Refuses an execution number that other backends could not hold.
pub(crate) fn check_owner(operation: &'static str, owner: Owner) -> StoreResult<()> {
    if i64::try_from(owner.execution).is_err() {
        return Err(invalid(operation, "an execution number is above i64::MAX"));
    }
    Ok(())
}
