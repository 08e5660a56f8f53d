mod export;
mod import;

use async_trait::async_trait;
use durable_api::store::{ArchiveStore, ImportOutcome, StoreError, StoreResult, WorkflowArchive};

use crate::{RedisStore, error::invalid, management::fork::bounds};

#[async_trait]
impl ArchiveStore for RedisStore {
    /// One script. `Invalid`, when what belongs to the workflow is more than 100,000 checkpoints, values of events and streams, and messages, or more than
    /// 256 MiB: the server does nothing else meanwhile.
    async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>> {
        export::export(self, workflow_id).await
    }

    /// One script, within the bounds of [`export_workflow`](Self::export_workflow).
    async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome> {
        import::import(self, archive).await
    }
}

fn too_large(operation: &'static str, id: &str) -> StoreError {
    invalid(
        operation,
        format!(
            "workflow `{id}` has more than can be copied at once ({} entries, {} MiB)",
            bounds::ENTRIES,
            bounds::BYTES >> 20
        ),
    )
}
