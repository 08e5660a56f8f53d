//! Writes in a transaction of the caller's.
mod support;

use std::{any::Any, str::FromStr as _};

use durable_api::store::{
    DynConnection, InsertOutcome, InsertWorkflow, LifecycleStore as _, MessageStore as _,
    OutboxStore, Owner, ParentCheckpoint, Payloads, ReceiveMessage, ReceiveOutcome, SendOutcome,
    StepStore as _, StoreErrorKind, TransactionOutcome, TransactionStore as _, Wakeup,
    WakeupStore as _, WorkflowStore as _,
};
use futures::StreamExt as _;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, postgres::PgConnectOptions};
use store_postgres::{PgTransaction, PostgresStore};
use support::{
    bodies::{Body, outcome, record},
    drop_schema, effect, fresh_schema, insert, message, now, open_migrated, payload, register,
    workflow,
};

async fn open(schema: &str) -> (PostgresStore, Owner) {
    let store = open_migrated(schema).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    (store, owner)
}

/// A connection with an open transaction.
async fn begun() -> PgConnection {
    let mut connection = support::connect().await;
    connection.execute("BEGIN").await.expect("begins");
    connection
}

async fn send(store: &PostgresStore, connection: &mut DynConnection, id: &str) -> SendOutcome {
    let sent = store
        .send_message_within(message("w", id, &format!("{id:?}")), connection)
        .await;
    sent.expect("sends")
}

async fn receive(store: &PostgresStore, owner: Owner, step_id: u32) -> ReceiveOutcome {
    let request = ReceiveMessage::new(effect("w", owner, step_id), "topic", now());
    store.receive_message(request).await.expect("receives")
}

fn received(id: &str) -> ReceiveOutcome {
    ReceiveOutcome::Received(payload(&format!("{id:?}")))
}

#[tokio::test]
async fn a_message_is_there_and_its_receiver_woken_when_the_caller_commits() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let other = open_migrated(&schema).await;
    let here = store.subscribe().await.expect("subscribes").into_stream();
    let there = other.subscribe().await.expect("subscribes").into_stream();
    let mut connection = begun().await;
    assert_eq!(send(&store, &mut connection, "m").await, SendOutcome::Sent);
    assert_eq!(receive(&store, owner, 0).await, ReceiveOutcome::Empty);
    connection.execute("COMMIT").await.expect("commits");
    let hint = Wakeup::workflow("w");
    assert!(here.any(|told| async move { told == hint }).await);
    assert!(there.any(|told| async move { told == hint }).await);
    assert_eq!(receive(&store, owner, 0).await, received("m"));
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_caller_that_rolls_back_leaves_nothing() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let mut connection = begun().await;
    send(&store, &mut connection, "m").await;
    let inserted = store
        .insert_workflow_within(workflow("v", owner), &mut connection)
        .await;
    assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
    connection.execute("ROLLBACK").await.expect("rolls back");
    assert_eq!(receive(&store, owner, 0).await, ReceiveOutcome::Empty);
    let found = store.get_workflow("v", Payloads::Omit).await;
    assert_eq!(found.expect("answers"), None);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_transaction_of_the_drivers_will_do() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let options = PgConnectOptions::from_str(&support::url()).expect("is a url");
    let pool = PgPool::connect_with(options).await.expect("connects");
    let mut transaction = pool.begin().await.expect("begins");
    send(&store, &mut transaction, "m").await;
    transaction.commit().await.expect("commits");
    assert_eq!(receive(&store, owner, 0).await, received("m"));
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_body_sends_with_its_checkpoint() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    insert(&store, "v", owner).await;
    let body = Body(|mut tx: PgTransaction| {
        let store = &store;
        async move {
            assert_eq!(send(store, &mut tx, "m").await, SendOutcome::Sent);
            drop(tx);
            outcome(Ok(()))
        }
    });
    let ran = store.run_transaction(effect("v", owner, 0), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(store.list_steps("v").await.expect("lists"), [record()]);
    assert_eq!(receive(&store, owner, 0).await, received("m"));
    drop_schema(&schema).await;
}

#[tokio::test]
async fn another_connection_than_one_to_postgres_is_not_supported() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let mut connection = "a string".to_owned();
    let connection: &mut (dyn Any + Send) = &mut connection;
    let sent = store.send_message_within(message("w", "m", "1"), connection);
    let error = sent.await.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let inserted = store.insert_workflow_within(workflow("v", owner), connection);
    let error = inserted.await.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_message_to_nobody_spoils_nothing() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let mut connection = begun().await;
    let sent = store
        .send_message_within(message("nobody", "m", "1"), &mut connection)
        .await;
    assert_eq!(sent.expect("answers"), SendOutcome::UnknownDestination);
    send(&store, &mut connection, "m").await;
    // The same once more, as after an error.
    assert_eq!(send(&store, &mut connection, "m").await, SendOutcome::Sent);
    connection.execute("COMMIT").await.expect("commits");
    assert_eq!(receive(&store, owner, 0).await, received("m"));
    assert_eq!(receive(&store, owner, 1).await, ReceiveOutcome::Empty);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_caller_that_takes_its_time_holds_up_no_other_sender() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let mut connection = begun().await;
    send(&store, &mut connection, "slow").await;
    let sent = store.send_message(message("w", "quick", "\"quick\"")).await;
    assert_eq!(sent.expect("sends"), SendOutcome::Sent);
    assert_eq!(receive(&store, owner, 0).await, received("quick"));
    connection.execute("COMMIT").await.expect("commits");
    assert_eq!(receive(&store, owner, 1).await, received("slow"));
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_workflow_is_accepted_when_the_caller_commits() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let hints = store.subscribe().await.expect("subscribes").into_stream();
    let mut connection = begun().await;
    let inserted = store
        .insert_workflow_within(workflow("v", owner), &mut connection)
        .await;
    assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
    let found = store.get_workflow("v", Payloads::Omit).await;
    assert_eq!(found.expect("answers"), None);
    connection.execute("COMMIT").await.expect("commits");
    assert!(
        hints
            .any(|told| async move { told == Wakeup::Claimable })
            .await
    );
    let found = store.get_workflow("v", Payloads::Omit).await;
    assert_eq!(found.expect("answers").expect("is there").id, "v");
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_workflow_whose_id_is_taken_is_told_of_within_the_transaction() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let mut connection = begun().await;
    let again = store
        .insert_workflow_within(workflow("w", owner), &mut connection)
        .await;
    assert_eq!(again.expect("answers"), InsertOutcome::Inserted);
    let mut of_another = workflow("w", owner);
    of_another.owner.execution = 2;
    let existing = store
        .insert_workflow_within(of_another, &mut connection)
        .await;
    assert!(matches!(existing, Ok(InsertOutcome::Existing(_))));
    let mut of_another_name = workflow("w", owner);
    of_another_name.name = "other".to_owned();
    let conflict = store
        .insert_workflow_within(of_another_name, &mut connection)
        .await;
    assert!(matches!(conflict, Ok(InsertOutcome::Conflict(_))));
    connection.execute("COMMIT").await.expect("goes on");
    connection.close().await.expect("closes");
    drop_schema(&schema).await;
}

#[tokio::test]
async fn writes_of_steps_are_refused() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let mut connection = begun().await;
    let mut sent = message("w", "m", "1");
    sent.sender = Some(effect("w", owner, 0));
    let sent = store.send_message_within(sent, &mut connection).await;
    assert_eq!(
        sent.expect_err("is refused").kind(),
        StoreErrorKind::Invalid
    );
    let mut child: InsertWorkflow = workflow("v", owner);
    child.parent = Some(ParentCheckpoint::new("w", owner, 0, "child"));
    let inserted = store.insert_workflow_within(child, &mut connection).await;
    assert_eq!(
        inserted.expect_err("is refused").kind(),
        StoreErrorKind::Invalid
    );
    store.verify().await.expect("is sound");
    drop_schema(&schema).await;
}
