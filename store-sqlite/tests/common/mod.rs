//! What the tests of this store share.
#![allow(dead_code)]
pub(crate) mod bodies;
pub(crate) mod queues;

use std::path::PathBuf;

use durable_api::{
    Payload, Timestamp,
    store::{
        ExecutorStore as _, Incarnation, InsertOutcome, InsertWorkflow, LifecycleStore as _,
        Outcome, Owner, RecordStep, RegisterExecutor, StepRecord, WorkflowStore as _,
    },
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use store_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A file that goes with the test.
pub(crate) struct File {
    directory: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }

    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteStore::builder(self.path())
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        ready(self.options()).await
    }

    /// A connection past the store, to look or to do damage.
    pub(crate) async fn raw(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .connect()
            .await
            .expect("a connection")
    }

    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut self.raw().await)
            .await
            .expect("executes");
    }
}

/// A store that is migrated.
pub(crate) async fn ready(options: SqliteOptions) -> SqliteStore {
    let store = SqliteStore::connect_with(options).await.expect("connects");
    store.migrate().await.expect("migrates");
    store
}

/// A registered executor of application `app`.
pub(crate) async fn executor(store: &SqliteStore) -> Incarnation {
    let incarnation = Incarnation(Uuid::new_v4());
    let request = RegisterExecutor::new("app", incarnation.to_string(), incarnation, "1", NOW);
    store.register_executor(request).await.expect("registers");
    incarnation
}

pub(crate) fn payload(bytes: impl Into<Vec<u8>>) -> Payload {
    Payload::new("json", bytes.into())
}

pub(crate) fn workflow(id: impl Into<String>, owner: Owner) -> InsertWorkflow {
    let mut request = InsertWorkflow::new(id, "app", "work", payload("input"), owner, NOW);
    request.version = Some("1".to_owned());
    request
}

pub(crate) async fn insert(store: &SqliteStore, id: &str, owner: Owner) {
    let outcome = store.insert_workflow(workflow(id, owner)).await;
    assert_eq!(outcome.expect("inserts"), InsertOutcome::Inserted);
}

pub(crate) fn step(id: &str, owner: Owner, step_id: u32) -> RecordStep {
    step_of(id, owner, step_id, b"output".to_vec())
}

pub(crate) fn step_of(id: &str, owner: Owner, step_id: u32, output: Vec<u8>) -> RecordStep {
    let outcome = Outcome::Success(payload(output));
    let record = StepRecord::completed(step_id, "step", outcome, NOW, NOW);
    RecordStep::new(id, owner, record)
}
