use async_trait::async_trait;
use durable_api::store::{StoreResult, WakeupStore, Wakeups};

use crate::MemoryStore;

#[async_trait]
impl WakeupStore for MemoryStore {
    async fn subscribe(&self) -> StoreResult<Wakeups> {
        Ok(Wakeups::new(self.data.hints.subscribe()))
    }
}
