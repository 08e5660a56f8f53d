//! However much there is, what is read by a dequeue is found by an index.
use durable_api::store::LifecycleStore as _;
use sqlx::Row as _;

use super::{backlog::BACKLOG, look, page::PAGE, queue::WAITING, room::COUNT};
use crate::{SqliteStore, sql::values};

/// How SQLite carries out a statement, line by line.
async fn plan(sql: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = SqliteStore::builder(directory.path().join("a.db"));
    let store = SqliteStore::connect_with(options).await.expect("connects");
    store.migrate().await.expect("migrates");
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let rows = store.readers.fetch_all("explain", explain, values![]).await;
    rows.expect("explains")
        .iter()
        .map(|row| row.get("detail"))
        .collect()
}

/// A table is read by an index, by these columns, and by nothing else.
async fn is_found_by(sql: &str, index: &str) {
    let plan = plan(sql).await;
    assert!(plan.iter().any(|line| line.contains(index)), "{plan:#?}");
    for table in ["workflows", "partitions", "w", "found"] {
        let scan = format!("SCAN {table}");
        assert!(
            !plan.iter().any(|line| line.starts_with(&scan)),
            "{plan:#?}"
        );
    }
}

#[tokio::test]
async fn what_waits_is_found_in_its_order() {
    let index = "workflows_waiting (app=? AND queue=? AND partition_key=? AND version=? AND name=? AND (priority,place)>(?,?))";
    is_found_by(BACKLOG, index).await;
    let sorted = plan(BACKLOG).await;
    let sorts = sorted.iter().filter(|line| line.contains("TEMP B-TREE"));
    assert_eq!(
        sorts.count(),
        1,
        "only what was found is sorted: {sorted:#?}"
    );
}

#[tokio::test]
async fn partitions_are_found_in_the_order_of_their_turns() {
    let index = "partitions_in_turn (app=? AND queue=? AND waiting=? AND (served,best)>(?,?))";
    is_found_by(PAGE, index).await;
    let sorted = plan(PAGE).await;
    assert!(!sorted.concat().contains("TEMP B-TREE"), "{sorted:#?}");
}

#[tokio::test]
async fn a_look_is_a_probe_of_indexes() {
    for sql in [look::IN_ANY, look::IN_SOME] {
        is_found_by(sql, "workflows_waiting (app=?").await;
        is_found_by(
            sql,
            "workflows_taken (owner_incarnation=? AND owner_execution=?)",
        )
        .await;
    }
}

#[tokio::test]
async fn what_runs_is_counted_in_an_index() {
    is_found_by(COUNT, "workflows_running (app=? AND queue=?)").await;
}

#[tokio::test]
async fn queues_are_found_one_by_one() {
    is_found_by(WAITING, "partitions_in_turn (app=? AND queue>?)").await;
}
