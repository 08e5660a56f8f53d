//! Transactional steps whose body, connection or process fails.
mod support;

use std::sync::Mutex;

use durable_api::store::{StepStore, StoreErrorKind, TransactionOutcome, TransactionStore};
use sqlx::Connection as _;
use store_postgres::{PgTransaction, PostgresStore};
use support::{
    accounts::{add, amount, first, is_recorded, open, works_afterwards},
    bodies::{Body, execute, outcome, record, sql},
    drop_schema, effect, fresh_schema, insert, number, run,
};
use tokio::sync::{Notify, oneshot};

#[tokio::test]
async fn a_body_that_goes_on_after_a_failed_statement_is_not_committed() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = Body(|mut tx: PgTransaction| {
        let add = add(&schema);
        async move {
            let done = execute(&mut tx, &add).await;
            let failed = execute(&mut tx, "SELECT 1 / 0").await;
            failed.expect_err("fails");
            outcome(done)
        }
    });
    let error = store.run_transaction(first(owner), &body).await;
    let error = error.expect_err("is not committed");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("step 0 `step` of workflow `w`"));
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_transaction_that_a_task_keeps_is_rolled_back_when_the_task_lets_go() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let (release, released) = oneshot::channel::<()>();
    let released = Mutex::new(Some(released));
    let body = Body(|mut tx: PgTransaction| {
        let (add, released) = (add(&schema), released.lock().expect("no panic").take());
        async move {
            let done = execute(&mut tx, &add).await;
            tokio::spawn(async move {
                let _tx = tx;
                released.expect("runs once").await.expect("is released");
            });
            outcome(done)
        }
    });
    let error = store.run_transaction(first(owner), &body).await;
    let error = error.expect_err("is not committed");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("kept its transaction"));
    release.send(()).expect("waits");
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_transaction_that_is_forgotten_is_not_committed() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = Body(|mut tx: PgTransaction| {
        let add = add(&schema);
        async move {
            let done = execute(&mut tx, &add).await;
            std::mem::forget(tx);
            outcome(done)
        }
    });
    let error = store.run_transaction(first(owner), &body).await;
    assert_eq!(
        error.expect_err("is not committed").kind(),
        StoreErrorKind::Invalid
    );
    assert_eq!(amount(&schema).await, 10);
    assert_eq!(store.list_steps("w").await.expect("lists"), []);
    // It holds its locks, and so would the removal of the schema hang.
    let pid = format!(
        "SELECT pg_terminate_backend(pid)::int::bigint FROM pg_locks
         WHERE relation = '{schema}.accounts'::regclass LIMIT 1"
    );
    number(&pid).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_body_that_ends_its_transaction_itself_is_refused() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    for ending in ["ROLLBACK", "ROLLBACK; BEGIN", "COMMIT", "COMMIT; BEGIN"] {
        let ran = store.run_transaction(first(owner), &sql(ending)).await;
        let error = ran.expect_err(ending);
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{ending}");
        assert!(error.to_string().contains("ended its transaction"));
    }
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn savepoints_are_the_bodys_own() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = Body(|mut tx: PgTransaction| {
        let (schema, add) = (schema.clone(), add(&schema));
        async move {
            let done = execute(&mut tx, &add).await;
            let mut inner = tx.begin().await.expect("a savepoint");
            let failed = sqlx::raw_sql("SELECT 1 / 0").execute(&mut *inner).await;
            failed.expect_err("fails");
            inner.rollback().await.expect("rolls back to it");
            let mut inner = tx.begin().await.expect("a savepoint");
            let set = format!("UPDATE {schema}.accounts SET amount = 0 WHERE id = 2");
            let set = sqlx::raw_sql(sqlx::AssertSqlSafe(set));
            set.execute(&mut *inner).await.expect("updates");
            // Neither kept nor given up: the commit of the whole counts.
            std::mem::forget(inner);
            outcome(done)
        }
    });
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(amount(&schema).await, 11);
    let other = number(&format!(
        "SELECT amount::bigint FROM {schema}.accounts WHERE id = 2"
    ))
    .await;
    assert_eq!(other, 0);
    // The connection, of which the driver believes that a savepoint is open, does not come back.
    insert(&store, "v", owner).await;
    let next = store
        .run_transaction(effect("v", owner, 0), &sql("SELECT 1"))
        .await;
    assert!(
        matches!(next, Ok(TransactionOutcome::Committed)),
        "{next:?}"
    );
    drop_schema(&schema).await;
}

async fn terminate(tx: &mut PgTransaction) {
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut **tx)
        .await
        .expect("answers");
    run(&format!("SELECT pg_terminate_backend({pid}, 10000)")).await;
}

#[tokio::test]
async fn a_connection_that_is_lost_before_the_commit_has_no_effect() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = Body(|mut tx: PgTransaction| {
        let add = add(&schema);
        async move {
            let done = execute(&mut tx, &add).await;
            terminate(&mut tx).await;
            outcome(done)
        }
    });
    let error = store.run_transaction(first(owner), &body).await;
    let error = error.expect_err("is not committed");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_body_that_fails_because_its_connection_did_is_to_be_repeated() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = Body(|mut tx: PgTransaction| {
        let add = add(&schema);
        async move {
            terminate(&mut tx).await;
            outcome(execute(&mut tx, &add).await)
        }
    });
    let error = store.run_transaction(first(owner), &body).await;
    let error = error.expect_err("is no failure of the body's");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_connection_that_is_lost_in_the_commit_leaves_a_doubt_and_the_repetition_one_effect() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    // The commit waits for a lock that the test holds.
    run(&format!(
        "CREATE FUNCTION {schema}.wait() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN LOCK TABLE {schema}.gate; RETURN NULL; END $$;
         CREATE TABLE {schema}.gate (a int);
         CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON {schema}.accounts
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.wait()"
    ))
    .await;
    let mut gate = support::connect().await;
    let lock = format!("BEGIN; LOCK TABLE {schema}.gate");
    let lock = sqlx::raw_sql(sqlx::AssertSqlSafe(lock));
    lock.execute(&mut gate).await.expect("locks");
    let body = sql(add(&schema));
    let kill = async {
        let waiting = format!(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{schema}.gate'::regclass"
        );
        support::wait_for(&waiting, |count| count == 1).await;
        run(&format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
             WHERE NOT granted AND relation = '{schema}.gate'::regclass"
        ))
        .await;
    };
    let (ran, ()) = tokio::join!(store.run_transaction(first(owner), &body), kill);
    gate.close().await.expect("closes");
    let error = ran.expect_err("has no answer");
    assert_eq!(error.kind(), StoreErrorKind::Indeterminate, "{error}");
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_body_that_is_dropped_is_rolled_back_and_its_connection_serves_again() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let stuck = Notify::new();
    let body = Body(|mut tx: PgTransaction| {
        let (add, stuck) = (add(&schema), &stuck);
        async move {
            let done = execute(&mut tx, &add).await;
            let inner = tx.begin().await.expect("a savepoint");
            stuck.notify_one();
            std::future::pending::<()>().await;
            drop(inner);
            outcome(done)
        }
    });
    let step = first(owner);
    let mut running = Box::pin(store.run_transaction(step, &body));
    tokio::select! {
        ran = &mut running => panic!("{ran:?}"),
        () = stuck.notified() => {}
    }
    drop(running);
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_body_that_panics_is_rolled_back_and_the_panic_goes_on() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let (running, statement) = (store.clone(), add(&schema));
    let panicked = tokio::spawn(async move {
        let body = Body(move |mut tx: PgTransaction| {
            let statement = statement.clone();
            async move {
                execute(&mut tx, &statement).await.expect("updates");
                panic!("on purpose")
            }
        });
        running.run_transaction(first(owner), &body).await
    });
    assert!(panicked.await.expect_err("panics").is_panic());
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_by_its_repetition() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let port = support::proxy::losing_the_answer_to("COMMIT AND CHAIN").await;
    let mut url = url::Url::parse(&support::url()).expect("is a url");
    url.set_port(Some(port)).expect("has a port");
    url.query_pairs_mut()
        .append_pair("schema", &schema)
        .append_pair("sslmode", "disable");
    let far = PostgresStore::connect(url.as_str())
        .await
        .expect("connects");
    let body = sql(add(&schema));
    let error = far.run_transaction(first(owner), &body).await;
    let error = error.expect_err("has no answer");
    assert_eq!(error.kind(), StoreErrorKind::Indeterminate, "{error}");
    let again = far.run_transaction(first(owner), &body).await;
    assert!(is_recorded(&again.expect("answers")));
    assert_eq!(amount(&schema).await, 11);
    assert_eq!(store.list_steps("w").await.expect("lists"), [record()]);
    drop_schema(&schema).await;
}
