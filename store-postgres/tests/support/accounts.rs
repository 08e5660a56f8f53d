//! What the tests of transactional steps share.
use durable_api::store::{
    LifecycleStore as _, Owner, StepRef, StepStore as _, TransactionOutcome, TransactionStore as _,
};
use store_postgres::PostgresStore;

use super::{
    bodies::{record, sql},
    effect, insert, number, options, register, run,
};

/// A store with one connection for bodies, which a test that follows another one notices if it is spoiled; the owner of
/// workflow `w`; and a table of the user's with two rows of 10.
pub async fn open(schema: &str) -> (PostgresStore, Owner) {
    open_with(schema, 1).await
}

pub async fn open_with(schema: &str, bodies: u32) -> (PostgresStore, Owner) {
    let options = options(schema).max_transactions(bodies);
    let store = PostgresStore::connect_with(options)
        .await
        .expect("connects");
    store.migrate().await.expect("migrates");
    run(&format!(
        "CREATE TABLE {schema}.accounts (id int PRIMARY KEY, amount int NOT NULL);
         INSERT INTO {schema}.accounts VALUES (1, 10), (2, 10)"
    ))
    .await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    (store, owner)
}

pub fn add(schema: &str) -> String {
    format!("UPDATE {schema}.accounts SET amount = amount + 1 WHERE id = 1")
}

pub async fn amount(schema: &str) -> i64 {
    let sql = format!("SELECT amount::bigint FROM {schema}.accounts WHERE id = 1");
    number(&sql).await
}

pub fn first(owner: Owner) -> StepRef {
    effect("w", owner, 0)
}

/// Runs the step once more, which succeeds, and had no effect before.
pub async fn works_afterwards(store: &PostgresStore, schema: &str, owner: Owner) {
    assert_eq!(amount(schema).await, 10);
    assert_eq!(store.list_steps("w").await.expect("lists"), []);
    let again = store.run_transaction(first(owner), &sql(add(schema))).await;
    let again = again.expect("runs");
    assert!(matches!(again, TransactionOutcome::Committed), "{again:?}");
    assert_eq!(amount(schema).await, 11);
    assert_eq!(store.list_steps("w").await.expect("lists"), [record()]);
}

pub fn is_recorded(outcome: &TransactionOutcome) -> bool {
    matches!(outcome, TransactionOutcome::AlreadyRecorded(found) if *found == record())
}
