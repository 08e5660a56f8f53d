use async_trait::async_trait;
use durable_api::store::{Change, ChangeStore, Changed, Fence, Fenced, StoreResult};

use crate::{RedisStore, error::check_texts};

#[async_trait]
impl ChangeStore for RedisStore {
    /// The script of the operation, which judges the fence first. Finished workflows are deleted a thousand at a time, each thousand
    /// in a script of its own.
    async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>> {
        check_texts(change.operation(), [by.workflow_id.as_str()])?;
        Fenced::judge(change.apply(&self.acting_for(by)).await)
    }
}
