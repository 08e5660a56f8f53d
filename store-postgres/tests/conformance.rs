//! The behaviour that every store must show, on Postgres.
mod support;

use std::sync::Arc;

use durable_api::SystemStore;
use durable_testing::Backend;

struct Postgres;

impl Backend for Postgres {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        Arc::new(support::open(namespace).await)
    }

    async fn clean(&self, namespace: &str) {
        support::drop_schema(namespace).await;
    }
}

durable_testing::store_conformance!(Postgres);
