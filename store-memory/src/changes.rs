use async_trait::async_trait;
use durable_api::store::{Change, ChangeStore, Changed, Fence, Fenced, StoreResult};

use crate::MemoryStore;

#[async_trait]
impl ChangeStore for MemoryStore {
    async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>> {
        Fenced::judge(change.apply(&self.acting_for(by)).await)
    }
}
