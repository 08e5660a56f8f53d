use std::sync::Arc;

use async_trait::async_trait;
use durable_api::store::{Change, ChangeStore, Changed, Fence, Fenced, StoreResult};

use crate::{SqliteStore, error::check_texts};

#[async_trait]
impl ChangeStore for SqliteStore {
    async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>> {
        check_texts(change.operation(), [by.workflow_id.as_str()])?;
        let store = Self {
            fence: Some(Arc::new(by)),
            ..self.clone()
        };
        Fenced::judge(change.apply(&store).await)
    }
}
