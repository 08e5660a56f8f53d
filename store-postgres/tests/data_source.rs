//! Transactional steps in a database apart from the store.
mod support;

use std::str::FromStr as _;

use durable_api::{
    Timestamp,
    store::{
        BodyOutcome, Incarnation, Outcome, Owner, StepRecord, StoreErrorKind, TransactionOutcome,
        TransactionStore as _,
    },
};
use futures::future::join_all;
use sqlx::{PgPool, postgres::PgConnectOptions};
use store_postgres::{PgDataSource, PgTransaction};
use support::{
    bodies::{Body, execute, never, outcome, record, sql},
    drop_schema, effect, fresh_schema, now, number, payload, run,
};
use tokio::sync::Barrier;
use uuid::Uuid;

async fn pool() -> PgPool {
    let options = PgConnectOptions::from_str(&support::url()).expect("is a url");
    PgPool::connect_with(options).await.expect("connects")
}

/// A data source, and a table of the user's.
async fn open(schema: &str) -> PgDataSource {
    run(&format!(
        "CREATE SCHEMA {schema}; CREATE TABLE {schema}.effects (a int)"
    ))
    .await;
    PgDataSource::in_schema(pool().await, schema)
        .await
        .expect("connects")
}

/// An execution. The store knows whether it owns the workflow.
fn execution() -> Owner {
    Owner::new(Incarnation(Uuid::new_v4()), 1)
}

fn write(schema: &str) -> String {
    format!("INSERT INTO {schema}.effects VALUES (1)")
}

async fn effects(schema: &str) -> i64 {
    number(&format!("SELECT count(*) FROM {schema}.effects")).await
}

#[tokio::test]
async fn an_execution_after_a_crash_between_the_two_commits_finds_the_outcome() {
    let schema = fresh_schema();
    let source = open(&schema).await;
    let ran = source
        .run_transaction(effect("w", execution(), 0), &sql(write(&schema)))
        .await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)));
    // The process ends here, before it records the checkpoint. Another one takes over.
    let ran = source
        .run_transaction(effect("w", execution(), 0), &never())
        .await;
    match ran.expect("answers") {
        TransactionOutcome::AlreadyRecorded(found) => assert_eq!(found, record()),
        other => panic!("{other:?}"),
    }
    assert_eq!(effects(&schema).await, 1);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn two_executions_that_race_have_one_effect_and_one_outcome() {
    let schema = fresh_schema();
    let source = open(&schema).await;
    let barrier = Barrier::new(2);
    let body = |n: u32| {
        let (barrier, write) = (&barrier, write(&schema));
        Body(move |mut tx: PgTransaction| {
            let write = write.clone();
            async move {
                execute(&mut tx, &write).await.expect("writes");
                barrier.wait().await;
                let outcome = Outcome::Success(payload(&n.to_string()));
                BodyOutcome::Commit(StepRecord::completed(0, "step", outcome, now(), now()))
            }
        })
    };
    let (one, other) = (body(1), body(2));
    let outcomes = join_all([
        source.run_transaction(effect("w", execution(), 0), &one),
        source.run_transaction(effect("w", execution(), 0), &other),
    ])
    .await;
    let winner = outcomes
        .iter()
        .position(|outcome| matches!(outcome, Ok(TransactionOutcome::Committed)));
    let winner = winner.expect("one commits");
    match &outcomes[1 - winner] {
        Ok(TransactionOutcome::AlreadyRecorded(found)) => {
            let outcome = Outcome::Success(payload(&(winner + 1).to_string()));
            assert_eq!(found.outcome, Some(outcome));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(effects(&schema).await, 1);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_body_that_fails_or_ends_its_transaction_leaves_no_outcome() {
    let schema = fresh_schema();
    let source = open(&schema).await;
    let failing = sql(format!("{}; SELECT 1 / 0", write(&schema)));
    let ran = source
        .run_transaction(effect("w", execution(), 0), &failing)
        .await;
    assert!(matches!(ran, Ok(TransactionOutcome::RolledBack(_))));
    let ran = source
        .run_transaction(effect("w", execution(), 0), &sql("COMMIT"))
        .await;
    assert_eq!(ran.expect_err("is refused").kind(), StoreErrorKind::Invalid);
    let ran = source
        .run_transaction(effect("w", execution(), 0), &sql(write(&schema)))
        .await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)));
    assert_eq!(effects(&schema).await, 1);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn data_sources_that_are_opened_at_once_share_one_table() {
    let schema = fresh_schema();
    run(&format!("CREATE SCHEMA {schema}")).await;
    let pool = pool().await;
    let opened = join_all((0..8).map(|_| PgDataSource::in_schema(pool.clone(), &schema))).await;
    for source in opened {
        source.expect("connects");
    }
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_url_names_the_schema_of_the_table() {
    let schema = fresh_schema();
    run(&format!("CREATE SCHEMA {schema}")).await;
    let mut url = url::Url::parse(&support::url()).expect("is a url");
    url.query_pairs_mut().append_pair("schema", &schema);
    let source = PgDataSource::connect(url.as_str()).await.expect("connects");
    let body = sql("SELECT 1");
    let ran = source
        .run_transaction(effect("w", execution(), 0), &body)
        .await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    let rows = number(&format!(
        "SELECT count(*) FROM {schema}.durable_completions"
    ))
    .await;
    assert_eq!(rows, 1);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_named() {
    let schema = fresh_schema();
    let opened = PgDataSource::in_schema(pool().await, &schema).await;
    let error = opened.expect_err("has no schema");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    assert!(error.to_string().contains(&schema), "{error}");
}

#[tokio::test]
async fn what_is_pruned_or_forgotten_runs_again() {
    let schema = fresh_schema();
    let source = open(&schema).await;
    let at = |millis| {
        let schema = schema.clone();
        Body(move |mut tx: PgTransaction| {
            let write = write(&schema);
            async move {
                let done = execute(&mut tx, &write).await;
                match outcome(done) {
                    BodyOutcome::Commit(mut record) => {
                        record.completed_at = Timestamp::from_millis(millis);
                        BodyOutcome::Commit(record)
                    }
                    other => other,
                }
            }
        })
    };
    for (id, millis) in [("old", 1), ("new", 2), ("other", 2)] {
        let body = at(millis);
        let ran = source
            .run_transaction(effect(id, execution(), 0), &body)
            .await;
        assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    }
    let pruned = source.prune(Timestamp::from_millis(2)).await;
    assert_eq!(pruned.expect("prunes"), 1);
    assert_eq!(source.forget("new").await.expect("forgets"), 1);
    let ran = source
        .run_transaction(effect("other", execution(), 0), &never())
        .await;
    assert!(matches!(ran, Ok(TransactionOutcome::AlreadyRecorded(_))));
    for id in ["old", "new"] {
        let body = at(3);
        let ran = source
            .run_transaction(effect(id, execution(), 0), &body)
            .await;
        assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    }
    assert_eq!(effects(&schema).await, 5);
    drop_schema(&schema).await;
}
