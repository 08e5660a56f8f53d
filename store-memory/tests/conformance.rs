//! The store on memory shows the behaviour that every store must show.
use std::sync::Arc;

use durable_api::SystemStore;
use durable_testing::Backend;
use store_memory::MemoryStore;

struct Memory;

impl Backend for Memory {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        Arc::new(MemoryStore::named(namespace))
    }

    async fn clean(&self, namespace: &str) {
        MemoryStore::forget(namespace);
    }
}

durable_testing::store_conformance!(Memory);
