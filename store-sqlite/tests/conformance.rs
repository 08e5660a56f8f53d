//! The behaviour that every store must show, on SQLite.
use std::sync::Arc;

use durable_api::SystemStore;
use durable_testing::Backend;
use store_sqlite::SqliteStore;
use tempfile::TempDir;

/// One file a namespace, in a directory that goes with the test.
struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }
}

impl Backend for Sqlite {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let path = self.0.path().join(format!("{namespace}.db"));
        let store = SqliteStore::connect_with(SqliteStore::builder(path)).await;
        Arc::new(store.expect("opens"))
    }

    async fn clean(&self, _namespace: &str) {}
}

durable_testing::store_conformance!(Sqlite::new());
