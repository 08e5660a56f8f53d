//! Connections that cannot be made, and connections that are lost.
mod support;

use std::time::Duration;

use durable_api::store::{
    ExecutorStore, HeartbeatOutcome, LifecycleStore, Owner, Payloads, RecordOutcome, StepStore,
    StoreErrorKind, WorkflowStore,
};
use store_postgres::{PgPool, PostgresOptions, PostgresStore};
use tokio::task::JoinSet;

use support::{drop_schema, fresh_schema, insert, number, register, run, step};

#[tokio::test]
async fn an_unreachable_server_is_unavailable_and_named_without_secrets() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    drop(listener);
    let url = format!("postgres://user:sesame@127.0.0.1:{port}/db");
    let error = PostgresStore::connect(&url)
        .await
        .expect_err("is unreachable");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(&format!("127.0.0.1:{port}/db")), "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    let url = format!("postgres://user:sesame@127.0.0.1:{port}/db?acquire_timeout_ms=100");
    let error = PostgresStore::connect(&url)
        .await
        .expect_err("is unreachable");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_wrong_password_is_denied_and_not_shown() {
    run(
        "DO $$ BEGIN CREATE ROLE durable_test_locked LOGIN PASSWORD 'right';
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
    )
    .await;
    let mut url = url::Url::parse(&support::url()).expect("is a url");
    url.set_username("durable_test_locked").expect("has a host");
    url.set_password(Some("sesame")).expect("has a host");
    let error = PostgresStore::connect(url.as_str())
        .await
        .expect_err("is denied: the server must ask for passwords (initdb --auth=scram-sha-256)");
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("sesame"), "{shown}");
}

#[tokio::test]
async fn the_description_has_the_place_and_no_credentials() {
    let url = url::Url::parse(&support::url()).expect("is a url");
    let store = support::open("some_schema").await;
    let description = store.describe();
    assert_eq!(description.backend, "postgres");
    assert!(
        description.location.ends_with("schema some_schema"),
        "{}",
        description.location
    );
    let shown = format!("{description:?} {store:?}");
    let password = url.password().expect("the test url has a password");
    assert!(!shown.contains(password), "{shown}");
}

#[tokio::test]
async fn a_lost_connection_is_told_by_what_it_may_have_done_and_the_store_recovers() {
    let schema = fresh_schema();
    let mut url = url::Url::parse(&support::url()).expect("is a url");
    url.query_pairs_mut()
        .append_pair("application_name", &schema)
        .append_pair("schema", &schema)
        .append_pair("max_connections", "1");
    let store = PostgresStore::connect(url.as_str())
        .await
        .expect("connects");
    store.migrate().await.expect("migrates");
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;

    terminate(&schema).await;
    let read = store.get_workflow("w", Payloads::Omit).await;
    let error = read.expect_err("the connection is lost");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    let read = store.get_workflow("w", Payloads::Omit).await;
    assert!(read.expect("recovers").is_some());

    terminate(&schema).await;
    let written = store.record_step(step("w", owner, 0)).await;
    let error = written.expect_err("the connection is lost");
    assert_eq!(error.kind(), StoreErrorKind::Indeterminate, "{error}");
    let written = store.record_step(step("w", owner, 0)).await;
    assert_eq!(written.expect("recovers"), RecordOutcome::Recorded);
    drop_schema(&schema).await;
}

/// Ends the connections of one store, and waits until they are gone.
async fn terminate(application: &str) {
    let count =
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{application}'");
    assert!(number(&count).await > 0, "there are connections to lose");
    run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = '{application}'"
    ))
    .await;
    support::wait_for(&count, |count| count == 0).await;
}

#[tokio::test]
async fn a_connection_that_accepts_no_writes_is_not_kept() {
    let schema = fresh_schema();
    let mut url = url::Url::parse(&support::url()).expect("is a url");
    let role = format!("role_{schema}");
    run(&format!(
        "CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'sesame'"
    ))
    .await;
    url.set_username(&role).expect("has a host");
    url.set_password(Some("sesame")).expect("has a host");
    url.query_pairs_mut().append_pair("schema", &schema);
    let store = support::open_migrated(&schema).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;

    // As a server that is no primary for now, and then is one again.
    run(&format!(
        "ALTER ROLE {role} SET default_transaction_read_only = on"
    ))
    .await;
    let store = PostgresStore::connect(url.as_str())
        .await
        .expect("connects");
    let written = store.record_step(step("w", owner, 0)).await;
    let error = written.expect_err("accepts no writes");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    run(&format!(
        "ALTER ROLE {role} RESET default_transaction_read_only"
    ))
    .await;
    let written = store.record_step(step("w", owner, 0)).await;
    assert_eq!(written.expect("connects anew"), RecordOutcome::Recorded);
    drop_schema(&schema).await;
    drop(store);
    support::wait_for(
        &format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"),
        |count| count == 0,
    )
    .await;
    run(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_callers_pool_serves() {
    let schema = fresh_schema();
    let pool = PgPool::connect(&support::url()).await.expect("connects");
    let options = PostgresOptions::from_pool(pool.clone()).schema(&schema);
    let store = PostgresStore::connect_with(options)
        .await
        .expect("connects");
    store.migrate().await.expect("migrates");
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    drop_schema(&schema).await;

    // Once the caller closes it, nothing can be reached.
    pool.close().await;
    let written = store.record_step(step("w", owner, 0)).await;
    assert_eq!(
        written.expect_err("is closed").kind(),
        StoreErrorKind::Unavailable
    );
}

#[tokio::test]
async fn waiting_for_a_connection_ends() {
    let schema = fresh_schema();
    let options = support::options(&schema)
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(1));
    let pool_of_one = PostgresStore::connect_with(options)
        .await
        .expect("connects");
    pool_of_one.migrate().await.expect("migrates");
    let owner = Owner::new(register(&pool_of_one, "one").await, 1);
    insert(&pool_of_one, "w", owner).await;

    // Somebody else locks the row, so the only connection waits for it.
    let mut other = support::connect().await;
    let lock = format!("BEGIN; SELECT 1 FROM {schema}.workflows WHERE id = 'w' FOR UPDATE");
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock))
        .execute(&mut other)
        .await
        .expect("locks");
    let store = pool_of_one.clone();
    let blocked = tokio::spawn(async move { store.record_step(step("w", owner, 0)).await });
    support::wait_for(&support::waiting_for_locks(&schema), |count| count == 1).await;

    let read = pool_of_one.get_workflow("w", Payloads::Omit).await;
    let error = read.expect_err("there is no connection");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    sqlx::raw_sql("COMMIT")
        .execute(&mut other)
        .await
        .expect("unlocks");
    let recorded = blocked.await.expect("does not panic");
    assert_eq!(recorded.expect("records"), RecordOutcome::Recorded);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_at_hand_for_single_statements_keeps_no_transaction_waiting() {
    let schema = fresh_schema();
    let options = support::options(&schema)
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10));
    let store = PostgresStore::connect_with(options)
        .await
        .expect("connects");
    store.migrate().await.expect("migrates");
    let incarnation = register(&store, "one").await;
    let mut all = JoinSet::new();
    for number in 0..8 {
        let store = store.clone();
        all.spawn(async move {
            for _ in 0..25 {
                let beat = store.heartbeat(incarnation).await;
                assert_eq!(beat.expect("beats"), HeartbeatOutcome::Alive);
                if number % 2 == 0 {
                    // A transaction, which gets the only connection in between.
                    register(&store, &format!("executor {number}")).await;
                }
            }
        });
    }
    while let Some(done) = all.join_next().await {
        done.expect("nobody starves");
    }
    drop_schema(&schema).await;
}
