//! The store behind a proxy that pools by transaction.
mod support;

use std::{
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use durable_api::{
    WorkflowStatus,
    store::{
        AdministrationStore, AppendOutcome, AppendStream, BodyOutcome, DeleteFinished, EventStore,
        ExecutorStore, ExpelExecutor, InsertOutcome, LifecycleStore, ManagementStore, MessageStore,
        Owner, ParentCheckpoint, ReceiveMessage, ReceiveOutcome, RecordOutcome, SendOutcome,
        SetEvent, SetEventOutcome, StepStore, StreamStore, TransactionOutcome, TransactionStore,
        WorkflowFilter, WorkflowStore,
    },
};
use futures::future::join_all;
use store_postgres::{PgTransaction, PostgresOptions, PostgresStore};
use support::{
    bodies::{self, Body},
    claim, drop_schema, effect, finish, fresh_schema, insert, message, now, payload, register,
    step, workflow,
};
use tempfile::TempDir;
use uuid::Uuid;

/// More connections than the proxy has to the server, so that no session stays with one of them.
const CLIENTS: u32 = 8;
const SERVERS: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_behind_a_transaction_pooling_proxy() {
    let proxy = PgBouncer::start();
    let schema = fresh_schema();
    let stores = join_all((0..2).map(|_| proxy.open(&schema))).await;
    for migrated in join_all(stores.iter().map(|store| store.migrate())).await {
        migrated.expect("migrates");
    }
    stores[0].ping().await.expect("answers");
    stores[0].verify().await.expect("is verified");

    // All operations at once, and over and over: prepared statements or locks that stay behind on some session would show.
    let lost = register(&stores[0], "lost").await;
    let owner = Owner::new(lost, 1);
    let runs = (0..40).map(|n| run_workflow(Arc::clone(&stores[n % 2]), format!("w{n}"), owner));
    join_all(runs).await;

    insert(&stores[0], "orphan", owner).await;
    let expelled = stores[1].expel_executor(ExpelExecutor::new(lost, 0)).await;
    expelled.expect("expels");
    let heir = Owner::new(register(&stores[1], "heir").await, 1);
    let answer = stores[1]
        .claim_workflows(claim(heir))
        .await
        .expect("claims");
    assert_eq!(answer.claimed.len(), 1);
    assert_eq!(answer.claimed[0].record.id, "orphan");

    let filter = WorkflowFilter::new().status(WorkflowStatus::Success);
    let page = stores[0].list_workflows(filter).await.expect("lists");
    assert_eq!(page.workflows.len(), 80, "each with its child");
    let mut retention = DeleteFinished::new(support::APP);
    retention.keep_latest = Some(10);
    let deleted = stores[1].delete_finished(retention).await;
    assert_eq!(deleted.expect("deletes"), 70);
    drop_schema(&schema).await;
}

/// A workflow with all kinds of effects and a child, to their ends.
async fn run_workflow(store: Arc<PostgresStore>, id: String, owner: Owner) {
    insert(&store, &id, owner).await;
    for step_id in 0..3 {
        let recorded = store.record_step(step(&id, owner, step_id)).await;
        assert_eq!(recorded.expect("records"), RecordOutcome::Recorded);
    }
    let child_id = format!("{id}-3");
    let mut child = workflow(&child_id, owner);
    child.parent = Some(ParentCheckpoint::new(&id, owner, 3, "child"));
    let inserted = store.insert_workflow(child).await;
    assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
    let sent = store.send_message(message(&id, "m", "1")).await;
    assert_eq!(sent.expect("sends"), SendOutcome::Sent);
    let receive = ReceiveMessage::new(effect(&id, owner, 4), "topic", now());
    let received = store.receive_message(receive).await;
    assert_eq!(
        received.expect("receives"),
        ReceiveOutcome::Received(payload("1"))
    );
    let event = SetEvent::new(effect(&id, owner, 5), "key", payload("1"), now());
    let set = store.set_event(event).await;
    assert_eq!(set.expect("sets"), SetEventOutcome::Set);
    let step = effect(&id, owner, 6);
    let write = AppendStream::value(step, "key", payload("1"), Uuid::new_v4(), now());
    let appended = store.append_stream(write).await;
    assert_eq!(
        appended.expect("appends"),
        AppendOutcome::Appended { offset: 0 }
    );
    let body = Body(|mut tx: PgTransaction| async move {
        let query = sqlx::query("SELECT $1::int").bind(7);
        query
            .persistent(false)
            .fetch_one(&mut *tx)
            .await
            .expect("answers");
        let mut record = bodies::record();
        record.step_id = 7;
        BodyOutcome::Commit(record)
    });
    let ran = store.run_transaction(effect(&id, owner, 7), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(store.list_steps(&id).await.expect("lists").len(), 8);
    for id in [child_id, id] {
        finish(&store, id, owner).await;
    }
}

/// A proxy of our own, before the test server.
struct PgBouncer {
    process: Child,
    port: u16,
    _directory: TempDir,
}

impl PgBouncer {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let everybody = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory.path(), everybody).expect("is ours");
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        drop(listener);
        let configuration = directory.path().join("pgbouncer.ini");
        std::fs::write(&configuration, configuration_text(port)).expect("is written");

        let mut command = Command::new("pgbouncer");
        command
            .arg("--quiet")
            .arg(&configuration)
            .stdin(Stdio::null());
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if is_root {
            // It refuses to be root.
            command.arg("--user=nobody");
        }
        let mut process = command.spawn().unwrap_or_else(|error| {
            panic!(
                "pgbouncer does not start ({error}): install it, as by `apt-get install pgbouncer`"
            )
        });
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = process.try_wait().expect("is our process");
            assert!(ended.is_none(), "pgbouncer ended: {ended:?}");
            std::thread::yield_now();
        }
        Self {
            process,
            port,
            _directory: directory,
        }
    }

    async fn open(&self, schema: &str) -> Arc<PostgresStore> {
        let url = format!(
            "postgres://anybody@127.0.0.1:{}/db?sslmode=disable",
            self.port
        );
        let options = PostgresOptions::from_url(&url)
            .expect("is a url")
            .schema(schema)
            .max_connections(CLIENTS)
            .transaction_pooling(true);
        let store = PostgresStore::connect_with(options).await;
        Arc::new(store.expect("connects"))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration_text(port: u16) -> String {
    let server = url::Url::parse(&support::url()).expect("is a url");
    let host = server.host_str().expect("the test url has a host");
    let database = server.path().trim_start_matches('/');
    let user = server.username();
    let password = server.password().unwrap_or_default();
    let server_port = server.port().unwrap_or(5432);
    format!(
        "[databases]
* = host={host} port={server_port} dbname={database} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {SERVERS}
"
    )
}
