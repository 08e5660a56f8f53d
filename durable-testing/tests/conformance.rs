//! A store that is told of no faults shows the behaviour of the store inside.
use std::sync::Arc;

use durable_api::SystemStore;
use durable_testing::{Backend, FaultyStore};
use store_memory::MemoryStore;

struct FaultlessMemory;

impl Backend for FaultlessMemory {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        Arc::new(FaultyStore::new(Arc::new(MemoryStore::named(namespace))))
    }

    async fn clean(&self, namespace: &str) {
        MemoryStore::forget(namespace);
    }
}

durable_testing::store_conformance!(FaultlessMemory);
