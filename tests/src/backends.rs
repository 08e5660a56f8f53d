//! The four backends, each with namespaces that see nothing of each other.
use std::{env, path::PathBuf, sync::Arc, sync::LazyLock};

use durable_api::SystemStore;
use durable_testing::Backend;
use store_memory::MemoryStore;
use store_postgres::PostgresStore;
use store_redis::RedisStore;
use store_sqlite::SqliteStore;
use tempfile::TempDir;

/// Memory of this process.
#[derive(Clone, Copy, Debug)]
pub struct Memory;

impl Backend for Memory {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        Arc::new(MemoryStore::named(namespace))
    }

    async fn clean(&self, namespace: &str) {
        MemoryStore::forget(namespace);
    }
}

/// A file in a directory of this process.
#[derive(Clone, Copy, Debug)]
pub struct Sqlite;

static DIRECTORY: LazyLock<TempDir> =
    LazyLock::new(|| TempDir::new().expect("a temporary directory"));

impl Sqlite {
    /// The file of a namespace.
    pub(crate) fn file(namespace: &str) -> PathBuf {
        DIRECTORY.path().join(format!("{namespace}.db"))
    }

    /// The URL of a namespace.
    pub fn url(namespace: &str) -> String {
        format!("sqlite:{}", Self::file(namespace).display())
    }
}

impl Backend for Sqlite {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let store = SqliteStore::connect(&Self::url(namespace)).await;
        Arc::new(store.expect("opens a file"))
    }

    async fn clean(&self, namespace: &str) {
        for suffix in ["", "-shm", "-wal"] {
            let mut file = Self::file(namespace).into_os_string();
            file.push(suffix);
            // The last two exist only while the file is open.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// A schema in the database at `DURABLE_TEST_POSTGRES_URL`.
#[derive(Clone, Copy, Debug)]
pub struct Postgres;

impl Postgres {
    /// The URL of a namespace.
    pub fn url(namespace: &str) -> String {
        with_parameter(&server("DURABLE_TEST_POSTGRES_URL"), "schema", namespace)
    }
}

impl Backend for Postgres {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let url = with_parameter(&Self::url(namespace), "max_connections", "3");
        let store = PostgresStore::connect(&url).await;
        Arc::new(store.expect("connects to Postgres"))
    }

    async fn clean(&self, namespace: &str) {
        use sqlx::Connection as _;
        let url = server("DURABLE_TEST_POSTGRES_URL");
        let mut connection = sqlx::PgConnection::connect(&url)
            .await
            .expect("connects to Postgres");
        let statement = format!("DROP SCHEMA IF EXISTS \"{namespace}\" CASCADE");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("drops the schema");
    }
}

/// A key prefix on the server at `DURABLE_TEST_REDIS_URL`.
#[derive(Clone, Copy, Debug)]
pub struct Redis;

impl Redis {
    /// The URL of a namespace.
    pub fn url(namespace: &str) -> String {
        with_parameter(&server("DURABLE_TEST_REDIS_URL"), "prefix", namespace)
    }
}

impl Backend for Redis {
    async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
        let store = RedisStore::connect(&Self::url(namespace)).await;
        Arc::new(store.expect("connects to Redis"))
    }

    async fn clean(&self, namespace: &str) {
        let client = redis::Client::open(server("DURABLE_TEST_REDIS_URL")).expect("a Redis URL");
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("connects to Redis");
        let keys: Vec<Vec<u8>> = redis::cmd("KEYS")
            .arg(format!("{{{namespace}}}*"))
            .query_async(&mut connection)
            .await
            .expect("lists the keys");
        if !keys.is_empty() {
            let _: u64 = redis::cmd("UNLINK")
                .arg(keys)
                .query_async(&mut connection)
                .await
                .expect("removes the keys");
        }
    }
}

/// The URL of a test server.
///
/// # Panics
/// When the variable is not set.
pub(crate) fn server(variable: &str) -> String {
    env::var(variable).unwrap_or_else(|_| {
        panic!("set {variable}, or run the tests by `scripts/test`, which starts a server")
    })
}

pub(crate) fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{name}={value}")
}
