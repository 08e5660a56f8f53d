//! Operations that nobody waits for any more.
mod support;

use durable_api::store::{
    ExecutorStore as _, Incarnation, Owner, RecordOutcome, RegisterExecutor, StepStore as _,
};
use store_postgres::PostgresStore;
use support::{drop_schema, fresh_schema, insert, number, proxy, register, step};
use uuid::Uuid;

#[tokio::test]
async fn what_is_acknowledged_after_a_transaction_was_dropped_at_its_begin_is_there() {
    let schema = fresh_schema();
    let near = support::open_migrated(&schema).await;
    let (port, held, go_on) = proxy::holding_the_answer_to("READ COMMITTED READ WRITE").await;
    let mut url = url::Url::parse(&support::url()).expect("is a url");
    url.set_port(Some(port)).expect("has a port");
    url.query_pairs_mut()
        .append_pair("schema", &schema)
        .append_pair("sslmode", "disable")
        // All use one connection.
        .append_pair("max_connections", "1");
    let store = PostgresStore::connect(url.as_str()).await;
    let store = store.expect("connects");
    let owner = Owner::new(register(&near, "executor").await, 1);
    insert(&near, "w", owner).await;

    let other = Incarnation(Uuid::new_v4());
    let request = RegisterExecutor::new("app", "other", other, "1", support::now());
    tokio::select! {
        done = store.register_executor(request) => panic!("the answer is held back: {done:?}"),
        began = held => began.expect("the proxy is there"),
    }
    go_on.send(()).expect("the proxy is there");

    let recorded = store.record_step(step("w", owner, 0)).await;
    assert_eq!(recorded.expect("records"), RecordOutcome::Recorded);
    let stored = format!("SELECT count(*) FROM {schema}.steps");
    assert_eq!(number(&stored).await, 1, "the step that was acknowledged");
    drop_schema(&schema).await;
}
