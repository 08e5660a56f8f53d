//! The server that the tests use, and short forms of what they do with it.
#![allow(dead_code, unreachable_pub)]

pub mod accounts;
pub mod bodies;
pub mod pair;
pub mod proxy;

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use durable_api::{
    Payload, Timestamp,
    store::{
        ClaimWorkflows, ClaimableWorkflow, DequeueWorkflows, DequeuedWorkflows, Enqueue,
        ExecutorStore, FinishOutcome, FinishWorkflow, Incarnation, InsertOutcome, InsertWorkflow,
        LifecycleStore, Outcome, Owner, QueueStore, RecordStep, RegisterExecutor, SendMessage,
        StepRecord, StepRef, WorkflowStore,
    },
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, postgres::PgConnectOptions};
use store_postgres::{PostgresOptions, PostgresStore};
use uuid::Uuid;

pub const APP: &str = "app";
pub const VERSION: &str = "v1";
pub const NAME: &str = "flow";

/// The URL of the server.
pub fn url() -> String {
    std::env::var("DURABLE_TEST_POSTGRES_URL").expect(
        "set DURABLE_TEST_POSTGRES_URL, or run the tests by `scripts/test`, which starts a server",
    )
}

/// Options for a schema, with a pool small enough for many tests at once.
pub fn options(schema: &str) -> PostgresOptions {
    PostgresOptions::from_url(&url())
        .expect("DURABLE_TEST_POSTGRES_URL is a url")
        .schema(schema)
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(60))
}

/// A store that is not migrated.
pub async fn open(schema: &str) -> PostgresStore {
    PostgresStore::connect_with(options(schema))
        .await
        .expect("connects")
}

/// A store that is ready for use.
pub async fn open_migrated(schema: &str) -> PostgresStore {
    let store = open(schema).await;
    store.migrate().await.expect("migrates");
    store
}

/// The name of a schema that no other test uses.
pub fn fresh_schema() -> String {
    format!("t{}", Uuid::new_v4().simple())
}

/// A connection that sees what the store does.
pub async fn connect() -> PgConnection {
    let options = PgConnectOptions::from_str(&url()).expect("is a url");
    PgConnection::connect_with(&options)
        .await
        .expect("connects")
}

/// `name` as it stands in a statement.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs statements.
pub async fn run(sql: &str) {
    let mut connection = connect().await;
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("closes");
}

/// The only value of the only row.
pub async fn number(sql: &str) -> i64 {
    let mut connection = connect().await;
    let row = sqlx::query(AssertSqlSafe(sql))
        .fetch_one(&mut connection)
        .await;
    let value = row
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .get::<i64, _>(0);
    connection.close().await.expect("closes");
    value
}

/// Asks until the only value of the only row is as wanted, for half a minute at most.
pub async fn wait_for(sql: &str, wanted: impl Fn(i64) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = number(sql).await;
        if wanted(found) {
            return;
        }
        assert!(Instant::now() < deadline, "{sql}: still {found}");
    }
}

/// Counts the statements on a schema that wait for a lock.
pub fn waiting_for_locks(schema: &str) -> String {
    format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND query LIKE '%\"{schema}\"%'"
    )
}

/// Removes a schema.
pub async fn drop_schema(schema: &str) {
    run(&format!("DROP SCHEMA IF EXISTS {} CASCADE", quoted(schema))).await;
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(1_000)
}

pub fn payload(text: &str) -> Payload {
    Payload::new("json", text.as_bytes().to_vec())
}

/// A registered executor.
pub async fn register(store: &PostgresStore, executor_id: &str) -> Incarnation {
    let incarnation = Incarnation(Uuid::new_v4());
    let request = RegisterExecutor::new(APP, executor_id, incarnation, VERSION, now());
    store.register_executor(request).await.expect("registers");
    incarnation
}

/// A request for a workflow.
pub fn workflow(id: impl Into<String>, owner: Owner) -> InsertWorkflow {
    let mut request = InsertWorkflow::new(id, APP, NAME, payload("1"), owner, now());
    request.version = Some(VERSION.to_owned());
    request
}

/// An accepted workflow.
pub async fn insert(store: &PostgresStore, id: impl Into<String>, owner: Owner) {
    let outcome = store.insert_workflow(workflow(id, owner)).await;
    assert_eq!(outcome.expect("inserts"), InsertOutcome::Inserted);
}

/// A request for a checkpoint.
pub fn step(workflow_id: impl Into<String>, owner: Owner, step_id: u32) -> RecordStep {
    let outcome = Outcome::Success(payload("2"));
    let step = StepRecord::completed(step_id, "step", outcome, now(), now());
    RecordStep::new(workflow_id, owner, step)
}

/// A step whose effect is its own.
pub fn effect(workflow_id: impl Into<String>, owner: Owner, step_id: u32) -> StepRef {
    StepRef::recorded(workflow_id, owner, step_id, "step", now())
}

/// A message from outside.
pub fn message(
    destination: impl Into<String>,
    message_id: impl Into<String>,
    text: &str,
) -> SendMessage {
    SendMessage::new(destination, "topic", message_id, payload(text), now())
}

/// The end of a workflow.
pub async fn finish(store: &PostgresStore, id: impl Into<String>, owner: Owner) {
    let outcome = Outcome::Success(payload("3"));
    let request = FinishWorkflow::new(id, owner, outcome, now());
    let finished = store.finish_workflow(request).await;
    assert_eq!(finished.expect("finishes"), FinishOutcome::Finished);
}

/// A request to take over.
pub fn claim(owner: Owner) -> ClaimWorkflows {
    let names = vec![ClaimableWorkflow::new(NAME, 1_000_000)];
    ClaimWorkflows::new(APP, VERSION, names, owner, now())
}

/// A request for a workflow that waits in a queue.
pub fn queued(id: impl Into<String>, queue: &str) -> InsertWorkflow {
    let nobody = Owner::new(Incarnation(Uuid::nil()), 1);
    let mut request = workflow(id, nobody);
    request.enqueue = Some(Enqueue::new(queue));
    request
}

/// A workflow that waits in a queue.
pub async fn enqueue(store: &PostgresStore, id: impl Into<String>, queue: &str) {
    let outcome = store.insert_workflow(queued(id, queue)).await;
    assert_eq!(outcome.expect("enqueues"), InsertOutcome::Inserted);
}

/// A workflow that waits in a partition of a queue.
pub async fn enqueue_in(
    store: &PostgresStore,
    id: impl Into<String>,
    queue: &str,
    partition: &str,
) {
    let mut request = queued(id, queue);
    let enqueue = request.enqueue.as_mut().expect("has a queue");
    enqueue.partition_key = Some(partition.to_owned());
    let outcome = store.insert_workflow(request).await;
    assert_eq!(outcome.expect("enqueues"), InsertOutcome::Inserted);
}

/// A request to take from queues.
pub fn dequeuing(owner: Owner, limit: u32) -> DequeueWorkflows {
    let names = vec![ClaimableWorkflow::new(NAME, 1_000_000)];
    let mut request = DequeueWorkflows::new(APP, VERSION, names, owner, now());
    request.limit = limit;
    request
}

/// What is taken from queues.
pub async fn dequeue(store: &PostgresStore, owner: Owner, limit: u32) -> DequeuedWorkflows {
    let answer = store.dequeue_workflows(dequeuing(owner, limit)).await;
    answer.expect("dequeues")
}

/// The ids of what was taken.
pub fn ids(answer: &DequeuedWorkflows) -> Vec<&str> {
    let taken = answer.taken.iter();
    taken.map(|one| one.record.id.as_str()).collect()
}
