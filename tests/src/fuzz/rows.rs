//! Rows that hold anything: a value, or an error that names the row; and exported workflows likewise.
use std::sync::LazyLock;

use durable::{
    Encoding, SystemStore, Timestamp, WorkflowStatus,
    store::{Outcome, Payloads, StepRecord, WorkflowArchive, WorkflowFilter, WorkflowRecord},
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{RUNTIME, input::Input};

/// A database with one workflow, and the columns that belong to it.
struct Database {
    store: SqliteStore,
    connection: Mutex<SqliteConnection>,
    /// Table and column.
    columns: Vec<(String, String)>,
    _folder: TempDir,
}

const ID: &str = "w";

static DATABASE: LazyLock<Database> = LazyLock::new(|| RUNTIME.block_on(database()));

async fn database() -> Database {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", folder.path().join("fuzz.db").display());
    let store = SqliteStore::connect(&url).await.expect("opens");
    let store_ref: &dyn SystemStore = &store;
    store_ref.migrate().await.expect("migrates");
    store_ref.import_workflow(archive()).await.expect("imports");
    let mut connection = SqliteConnection::connect(&url).await.expect("connects");
    let mut columns = Vec::new();
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('workflows', 'steps')";
    for table in sqlx::query(tables)
        .fetch_all(&mut connection)
        .await
        .expect("lists")
    {
        let table: String = table.get(0);
        let info = format!("SELECT name FROM pragma_table_info('{table}')");
        let info = sqlx::query(AssertSqlSafe(info))
            .fetch_all(&mut connection)
            .await;
        for column in info.expect("lists") {
            columns.push((table.clone(), column.get(0)));
        }
    }
    assert!(columns.len() > 20, "{columns:?}");
    Database {
        store,
        connection: Mutex::new(connection),
        columns,
        _folder: folder,
    }
}

fn archive() -> WorkflowArchive {
    let now = Timestamp::from_millis(1);
    let payload = Encoding::Json.encode("x").expect("encodes");
    let mut record = WorkflowRecord::new(ID, "fuzz", "flow", WorkflowStatus::Pending, now);
    record.input = Some(payload.clone());
    let mut archive = WorkflowArchive::new(record);
    let outcome = Outcome::Success(payload);
    archive
        .steps
        .push(StepRecord::completed(0, "one", outcome, now, now));
    archive
}

pub(super) fn fuzz(data: &[u8]) {
    let mut input = Input::new(data);
    if input.choice(2) == 1 {
        return exported(input.rest());
    }
    RUNTIME.block_on(damaged(&DATABASE, input));
}

/// What is read from a file can be written again.
fn exported(json: &[u8]) {
    if let Ok(archive) = serde_json::from_slice::<WorkflowArchive>(json) {
        let text = serde_json::to_vec(&archive).expect("serializes");
        let again: WorkflowArchive = serde_json::from_slice(&text).expect("reads again");
        assert_eq!(again, archive);
    }
}

/// One column of one row holds something else for a while.
async fn damaged(database: &Database, mut input: Input<'_>) {
    let column = usize::from(input.byte()) % database.columns.len();
    let (table, column) = &database.columns[column];
    let kind = input.choice(4);
    let value = input.rest().to_vec();
    let mut connection = database.connection.lock().await;
    let set = format!("UPDATE {table} SET \"{column}\" = ?");
    let set = sqlx::query(AssertSqlSafe(set));
    let set = match kind {
        0 => set.bind(None::<String>),
        1 => set.bind(input.number()),
        2 => set.bind(String::from_utf8_lossy(&value).into_owned()),
        _ => set.bind(value),
    };
    let keep = ["workflows", "steps"].map(|table| {
        format!("DROP TABLE IF EXISTS temp.kept_{table}; CREATE TEMP TABLE kept_{table} AS SELECT * FROM main.{table}")
    });
    sqlx::raw_sql(AssertSqlSafe(keep.join(";")))
        .execute(&mut *connection)
        .await
        .expect("keeps");
    // Some of it the schema refuses.
    let _ = set.execute(&mut *connection).await;

    let store: &dyn SystemStore = &database.store;
    let filter = WorkflowFilter::new().with_payloads();
    let listed = store.list_workflows(filter).await;
    if let Ok(page) = &listed {
        assert!(page.workflows.len() + page.damaged.len() <= 1);
    }
    for id in [ID, "another"] {
        let row = store.get_workflow(id, Payloads::Load).await;
        let steps = store.list_steps(id).await;
        let exported = store.export_workflow(id).await;
        let all = row.is_ok() && steps.is_ok();
        assert!(exported.is_ok() || !all, "{table}.{column}: {exported:?}");
    }

    let back = ["workflows", "steps"].map(|table| {
        format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM kept_{table}")
    });
    let back = format!("PRAGMA foreign_keys = OFF; {}", back.join(";"));
    sqlx::raw_sql(AssertSqlSafe(back))
        .execute(&mut *connection)
        .await
        .expect("is put back");
    let row = store.get_workflow(ID, Payloads::Load).await;
    assert_eq!(row.expect("reads").expect("is there").name, "flow");
}
