mod check;
mod export;
mod import;
mod rows;

use async_trait::async_trait;
use durable_api::store::{
    ArchiveStore, DamagedWorkflow, ImportOutcome, StoreResult, WorkflowArchive,
};

use crate::{SqliteStore, record::corrupt, writer::Write as _};

#[async_trait]
impl ArchiveStore for SqliteStore {
    async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>> {
        let parts = self
            .readers
            .fetch_together("export_workflow", export::select(workflow_id))
            .await?;
        export::archive(&parts).map_err(|reason| {
            corrupt(
                "export_workflow",
                &DamagedWorkflow::new(workflow_id, reason),
            )
        })
    }

    async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome> {
        check::check(WorkflowArchive::OPERATION, &archive)?;
        self.change(archive).await
    }
}
