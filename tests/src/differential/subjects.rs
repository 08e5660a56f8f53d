use std::{str::FromStr, sync::Arc};

use durable_api::SystemStore;
use durable_testing::Backend;
use store_sqlite::SqliteStore;

use crate::backends::{Sqlite, with_parameter};

/// A store that is compared with the reference.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// The reference itself: its two sides differ only by how the comparison is made.
    Memory,
    /// `store-postgres`.
    Postgres,
    /// `store-redis`.
    Redis,
    /// `store-sqlite`.
    Sqlite,
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "memory" => Ok(Self::Memory),
            "postgres" => Ok(Self::Postgres),
            "redis" => Ok(Self::Redis),
            "sqlite" => Ok(Self::Sqlite),
            _ => Err(format!("there is no store `{text}`")),
        }
    }
}

/// SQLite without waiting for the disk: what survives a loss of power is not what is compared.
pub(super) struct FastSqlite;

impl Backend for FastSqlite {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let url = with_parameter(&Sqlite::url(namespace), "synchronous", "normal");
        let store = SqliteStore::connect(&url).await;
        Arc::new(store.expect("opens a file"))
    }

    async fn clean(&self, namespace: &str) {
        Sqlite.clean(namespace).await;
    }
}
