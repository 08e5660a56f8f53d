//! Writes in a transaction of the caller's.
mod common;

use common::{
    File, NOW,
    bodies::{Body, execute, outcome},
    executor, insert, payload, ready, workflow,
};
use durable_api::store::{
    DynConnection, InsertOutcome, MessageStore as _, OutboxStore as _, Owner, ParentCheckpoint,
    Payloads, ReceiveMessage, ReceiveOutcome, SendMessage, SendOutcome, StepRef, StoreErrorKind,
    TransactionOutcome, TransactionStore as _, Wakeup, WakeupStore as _, WorkflowStore as _,
};
use futures::StreamExt as _;
use sqlx::{SqliteConnection, SqlitePool, sqlite::SqliteConnectOptions};
use store_sqlite::{SqliteStore, SqliteTransaction};

async fn open(file: &File) -> (SqliteStore, Owner) {
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;
    (store, owner)
}

async fn begun(file: &File) -> SqliteConnection {
    let mut connection = file.raw().await;
    execute(&mut connection, "BEGIN").await.expect("begins");
    connection
}

fn message(destination: &str, sender: Option<StepRef>) -> SendMessage {
    let mut message = SendMessage::new(destination, "topic", "m", payload("1"), NOW);
    message.sender = sender;
    message
}

async fn send(store: &SqliteStore, connection: &mut DynConnection) -> SendOutcome {
    let sent = store.send_message_within(message("w", None), connection);
    sent.await.expect("sends")
}

async fn receive(store: &SqliteStore, owner: Owner, step_id: u32) -> ReceiveOutcome {
    let step = StepRef::recorded("w", owner, step_id, "step", NOW);
    let request = ReceiveMessage::new(step, "topic", NOW);
    store.receive_message(request).await.expect("receives")
}

#[tokio::test]
async fn a_message_and_a_workflow_are_there_and_told_of_when_the_caller_commits() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let hints = store.subscribe().await.expect("subscribes").into_stream();
    let mut connection = begun(&file).await;
    assert_eq!(send(&store, &mut connection).await, SendOutcome::Sent);
    // The same once more, as after an error.
    assert_eq!(send(&store, &mut connection).await, SendOutcome::Sent);
    let inserted = store.insert_workflow_within(workflow("v", owner), &mut connection);
    assert_eq!(inserted.await.expect("inserts"), InsertOutcome::Inserted);
    let found = store.get_workflow("v", Payloads::Omit).await;
    assert_eq!(found.expect("answers"), None);
    execute(&mut connection, "COMMIT").await.expect("commits");
    let told = hints.any(|hint| async move { hint == Wakeup::Everything });
    assert!(told.await);
    let found = store.get_workflow("v", Payloads::Omit).await;
    assert!(found.expect("answers").is_some());
    let received = receive(&store, owner, 0).await;
    assert_eq!(received, ReceiveOutcome::Received(payload("1")));
    assert_eq!(receive(&store, owner, 1).await, ReceiveOutcome::Empty);
}

#[tokio::test]
async fn a_caller_that_rolls_back_leaves_nothing() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let mut connection = begun(&file).await;
    send(&store, &mut connection).await;
    let inserted = store.insert_workflow_within(workflow("v", owner), &mut connection);
    assert_eq!(inserted.await.expect("inserts"), InsertOutcome::Inserted);
    execute(&mut connection, "ROLLBACK").await.expect("undoes");
    let found = store.get_workflow("v", Payloads::Omit).await;
    assert_eq!(found.expect("answers"), None);
    assert_eq!(receive(&store, owner, 0).await, ReceiveOutcome::Empty);
}

#[tokio::test]
async fn a_transaction_of_the_drivers_will_do() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let pool = SqlitePool::connect_lazy_with(SqliteConnectOptions::new().filename(file.path()));
    let mut transaction = pool.begin().await.expect("begins");
    send(&store, &mut transaction).await;
    transaction.commit().await.expect("commits");
    let received = receive(&store, owner, 0).await;
    assert_eq!(received, ReceiveOutcome::Received(payload("1")));
}

#[tokio::test]
async fn a_body_sends_with_its_checkpoint() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    insert(&store, "v", owner).await;
    let body = Body(|mut tx: SqliteTransaction| {
        let store = &store;
        async move {
            assert_eq!(send(store, &mut tx).await, SendOutcome::Sent);
            drop(tx);
            outcome(Ok(()))
        }
    });
    let step = StepRef::recorded("v", owner, 0, "step", NOW);
    let ran = store.run_transaction(step, &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    let received = receive(&store, owner, 0).await;
    assert_eq!(received, ReceiveOutcome::Received(payload("1")));
}

#[tokio::test]
async fn a_connection_to_something_else_is_not_supported() {
    let (file, other) = (File::new(), File::new());
    let (store, owner) = open(&file).await;
    ready(other.options()).await;
    let (mut elsewhere, mut number) = (begun(&other).await, 1_u32);
    let connections: [&mut DynConnection; 2] = [&mut elsewhere, &mut number];
    for connection in connections {
        let sent = store.send_message_within(message("w", None), connection);
        let error = sent.await.expect_err("is refused");
        assert_eq!(error.kind(), StoreErrorKind::Unsupported);
        let inserted = store.insert_workflow_within(workflow("v", owner), connection);
        let error = inserted.await.expect_err("is refused");
        assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn refusals_spoil_nothing() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let mut connection = begun(&file).await;
    let sent = store.send_message_within(message("nobody", None), &mut connection);
    let sent = sent.await.expect("answers");
    assert_eq!(sent, SendOutcome::UnknownDestination);
    let mut other = workflow("w", owner);
    other.name = "other".to_owned();
    let conflict = store.insert_workflow_within(other, &mut connection).await;
    assert!(matches!(conflict, Ok(InsertOutcome::Conflict(_))));

    let step = StepRef::recorded("w", owner, 0, "step", NOW);
    let sent = store.send_message_within(message("w", Some(step)), &mut connection);
    let error = sent.await.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    let mut child = workflow("v", owner);
    child.parent = Some(ParentCheckpoint::new("w", owner, 0, "child"));
    let inserted = store.insert_workflow_within(child, &mut connection);
    let error = inserted.await.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);

    send(&store, &mut connection).await;
    execute(&mut connection, "COMMIT").await.expect("commits");
    let received = receive(&store, owner, 0).await;
    assert_eq!(received, ReceiveOutcome::Received(payload("1")));
}
