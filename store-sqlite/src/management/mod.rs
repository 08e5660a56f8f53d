mod attributes;
mod cancel;
mod delete;
mod expire;
mod family;
mod fork;
mod resume;
mod retention;

use async_trait::async_trait;
use durable_api::store::{
    BulkOutcome, CancelExpired, CancelWorkflows, DeleteFinished, DeleteWorkflows, ForkOutcome,
    ForkWorkflow, ManagementStore, ResumeWorkflows, SetAttributes, SetAttributesOutcome,
    StoreResult,
};

use crate::{SqliteStore, attributes::check_attributes, error::check_texts, writer::Write as _};
use fork::Forks;

#[async_trait]
impl ManagementStore for SqliteStore {
    async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome> {
        self.change(request).await
    }

    async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>> {
        self.write(request).await
    }

    async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome> {
        check_texts(ResumeWorkflows::OPERATION, request.queue.as_deref())?;
        let resumed = self.change(request).await?;
        Ok(resumed.outcome)
    }

    async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>> {
        check_texts(
            Forks::OPERATION,
            requests.iter().flat_map(|request| {
                [request.source.as_str(), &request.id]
                    .into_iter()
                    .chain(request.version.as_deref())
                    .chain(request.queue.as_deref())
            }),
        )?;
        self.change(Forks(requests)).await
    }

    async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome> {
        self.change(request).await
    }

    async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64> {
        let deleted = self.change(request).await?;
        Ok(deleted.len() as u64)
    }

    async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome> {
        check_attributes(SetAttributes::OPERATION, &request.attributes)?;
        self.change(request).await
    }
}
