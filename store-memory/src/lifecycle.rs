use async_trait::async_trait;
use durable_api::store::{
    LifecycleStore, StoreDescription, StoreError, StoreErrorKind, StoreResult,
};

use crate::MemoryStore;

#[async_trait]
impl LifecycleStore for MemoryStore {
    async fn ping(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn migrate(&self) -> StoreResult<()> {
        self.tables().migrated = true;
        Ok(())
    }

    async fn verify(&self) -> StoreResult<()> {
        if self.shared_tables().migrated {
            return Ok(());
        }
        Err(StoreError::new(StoreErrorKind::Incompatible, "verify")
            .with_message("the store was never migrated; call `migrate` first"))
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription::new(
            "memory",
            format!("memory:{}", self.name().unwrap_or_default()),
            "nothing survives the process",
        )
    }
}
