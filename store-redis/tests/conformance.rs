//! The store on Redis shows the behaviour that every store must show.
mod support;

use std::sync::Arc;

use durable_api::SystemStore;
use durable_testing::Backend;
use store_redis::RedisStore;

struct Redis;

impl Backend for Redis {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let store = RedisStore::connect(&support::shared_url(namespace)).await;
        Arc::new(store.expect("connects"))
    }

    async fn clean(&self, namespace: &str) {
        support::clean(&support::shared_url(namespace), namespace).await;
    }
}

durable_testing::store_conformance!(Redis);
