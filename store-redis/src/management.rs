pub(crate) mod bulk;
pub(crate) mod fork;
mod retention;

use async_trait::async_trait;
use durable_api::store::{
    BulkOutcome, CancelExpired, CancelWorkflows, DeleteFinished, DeleteWorkflows, ForkOutcome,
    ForkWorkflow, ManagementStore, ResumeWorkflows, SetAttributes, SetAttributesOutcome,
    StoreResult,
};

use crate::{
    RedisStore, attributes,
    call::Call,
    error::{check_texts, malformed},
    script::{CANCEL_WORKFLOWS, DELETE_WORKFLOWS, RESUME_WORKFLOWS, SET_ATTRIBUTES},
    steps::about,
};

#[async_trait]
impl ManagementStore for RedisStore {
    /// One script, which does a fixed amount of work for each workflow. A damaged one that the request names refuses the
    /// call; a damaged descendant is passed over, and logged.
    async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome> {
        const OPERATION: &str = "cancel_workflows";
        let keys = self.keys();
        let call = Call::new(&CANCEL_WORKFLOWS, OPERATION, [keys.workflows()])
            .arg(keys.base())
            .text(request.now.as_millis())
            .text(u8::from(request.children));
        bulk::run(self, OPERATION, call, &request.ids).await
    }

    /// Cancels a thousand at a time, each thousand in a script of its own.
    async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>> {
        retention::cancel_expired(self, request).await
    }

    /// As [`cancel_workflows`](Self::cancel_workflows).
    async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome> {
        const OPERATION: &str = "resume_workflows";
        check_texts(OPERATION, request.queue.as_deref())?;
        let keys = self.keys();
        let call = Call::new(&RESUME_WORKFLOWS, OPERATION, [keys.workflows()])
            .arg(keys.base())
            .text(request.now.as_millis())
            .optional(request.queue.as_deref());
        bulk::run(self, OPERATION, call, &request.ids).await
    }

    /// One script. `Invalid`, when it would copy more than 100,000 checkpoints, events and values of streams, or more than
    /// 256 MiB: the server does nothing else meanwhile.
    async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>> {
        fork::fork(self, requests).await
    }

    /// As [`cancel_workflows`](Self::cancel_workflows). The memory is freed in the background, however much there is.
    async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome> {
        const OPERATION: &str = "delete_workflows";
        let keys = self.keys();
        let call = Call::new(&DELETE_WORKFLOWS, OPERATION, [keys.workflows()])
            .arg(keys.base())
            .text(u8::from(request.children));
        bulk::run(self, OPERATION, call, &request.ids).await
    }

    /// Deletes a thousand at a time, each thousand in a script of its own.
    async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64> {
        retention::delete_finished(self, request).await
    }

    async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome> {
        const OPERATION: &str = "set_attributes";
        let id = &request.workflow_id;
        let attributes = attributes::encode(OPERATION, &request.attributes)?;
        let call = Call::new(&SET_ATTRIBUTES, OPERATION, [self.keys().workflow(id)])
            .arg(id)
            .text(request.now.as_millis())
            .arg(&attributes);
        let value = self.change(call).await.map_err(|error| about(error, id))?;
        let (answer, _) = bulk::answered(OPERATION, value)?;
        match answer.as_str() {
            "set" => Ok(SetAttributesOutcome::Set),
            "unknown_workflow" => Ok(SetAttributesOutcome::UnknownWorkflow),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }
}
