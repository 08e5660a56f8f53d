mod export;
mod import;

use async_trait::async_trait;
use durable_api::store::{ArchiveStore, ImportOutcome, StoreResult, WorkflowArchive};

use crate::PostgresStore;
use import::Imported;

#[async_trait]
impl ArchiveStore for PostgresStore {
    async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>> {
        export::export(&self.database, workflow_id)
            .await
            .map_err(|failure| failure.into_store_error("export_workflow"))
    }

    async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome> {
        let imported = import::import(&self.database, &archive).await;
        let imported = imported.map_err(|failure| failure.into_store_error("import_workflow"))?;
        Ok(match imported {
            Imported::Exists => ImportOutcome::Exists,
            Imported::Written {
                claimable,
                enqueued,
            } => {
                self.tell_all(claimable, enqueued).await;
                ImportOutcome::Imported
            }
        })
    }
}
