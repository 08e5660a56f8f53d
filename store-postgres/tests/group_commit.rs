//! Concurrent writes share commits, and nothing else.
mod support;

use durable_api::store::{
    InsertOutcome, Owner, ParentCheckpoint, RecordOutcome, StepStore, StoreErrorKind, WorkflowStore,
};
use futures::{future::join_all, poll};
use store_postgres::PostgresStore;
use support::{drop_schema, fresh_schema, insert, number, open_migrated, register, step, workflow};
use uuid::Uuid;

const MANY: usize = 200;

/// A store with workflows `w0`, `w1`, … of one owner.
async fn store_with_workflows(schema: &str) -> (PostgresStore, Owner) {
    let store = open_migrated(schema).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    join_all((0..MANY).map(|n| insert(&store, format!("w{n}"), owner))).await;
    (store, owner)
}

/// How many transactions wrote a table.
async fn transactions(schema: &str, table: &str) -> i64 {
    number(&format!(
        "SELECT count(DISTINCT xmin::text) FROM {schema}.{table}"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_share_commits() {
    let schema = fresh_schema();
    let (store, owner) = store_with_workflows(&schema).await;
    let inserts = transactions(&schema, "workflows").await;
    let steps = (0..MANY).map(|n| store.record_step(step(format!("w{n}"), owner, 0)));
    for recorded in join_all(steps).await {
        assert_eq!(recorded.expect("records"), RecordOutcome::Recorded);
    }
    let records = transactions(&schema, "steps").await;
    let rows = number(&format!("SELECT count(*) FROM {schema}.steps")).await;
    drop_schema(&schema).await;
    assert_eq!(rows, MANY as i64);
    assert!(inserts < 20, "{inserts} transactions for {MANY} workflows");
    assert!(records < 20, "{records} transactions for {MANY} steps");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_share_commits_too() {
    let schema = fresh_schema();
    let (store, owner) = store_with_workflows(&schema).await;
    let children = (0..MANY).map(|n| {
        let mut child = workflow(format!("child{n}"), owner);
        child.parent = Some(ParentCheckpoint::new(format!("w{n}"), owner, 3, "child"));
        store.insert_workflow(child)
    });
    for inserted in join_all(children).await {
        assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
    }
    let apart = number(&format!(
        "SELECT count(*) FROM {schema}.workflows w
         LEFT JOIN {schema}.steps s ON s.child_id = w.id AND s.workflow_id = w.parent_id
         WHERE w.parent_id IS NOT NULL AND s.xmin IS DISTINCT FROM w.xmin"
    ))
    .await;
    let commits = transactions(&schema, "steps").await;
    drop_schema(&schema).await;
    assert_eq!(
        apart, 0,
        "a child and its parent's checkpoint commit together"
    );
    assert!(commits < 20, "{commits} transactions for {MANY} children");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_writes_of_one_step_one_wins_and_all_are_told() {
    let schema = fresh_schema();
    let (store, owner) = store_with_workflows(&schema).await;
    let stranger = Owner::new(owner.incarnation, 2);
    let writes = (0..90).map(|n| {
        let owner = if n % 3 == 0 { stranger } else { owner };
        store.record_step(step("w0", owner, 7))
    });
    let mut recorded = 0;
    for (n, outcome) in join_all(writes).await.into_iter().enumerate() {
        match outcome.expect("answers") {
            RecordOutcome::NotOwner => assert_eq!(n % 3, 0),
            RecordOutcome::Recorded => recorded += 1,
            RecordOutcome::AlreadyRecorded(existing) => {
                assert_eq!(existing, step("w0", owner, 7).step);
                assert_ne!(n % 3, 0);
            }
        }
    }
    drop_schema(&schema).await;
    assert_eq!(recorded, 1);
}

#[tokio::test]
async fn a_caller_that_gives_up_disturbs_nobody() {
    let schema = fresh_schema();
    let (store, owner) = store_with_workflows(&schema).await;
    let mut staying = Vec::new();
    for n in 0..MANY {
        let store = store.clone();
        let mut write =
            Box::pin(async move { store.record_step(step(format!("w{n}"), owner, 0)).await });
        assert!(poll!(&mut write).is_pending());
        if n % 2 == 0 {
            staying.push(write);
        }
    }
    for recorded in join_all(staying).await {
        assert_eq!(recorded.expect("records"), RecordOutcome::Recorded);
    }
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_row_that_the_server_refuses_fails_alone() {
    let schema = fresh_schema();
    let (store, owner) = store_with_workflows(&schema).await;
    // Longer than an index entry can be, and not compressible.
    let endless: String = (0..400)
        .map(|_| Uuid::new_v4().simple().to_string())
        .collect();
    let ids = (0..50).map(|n| match n {
        25 => endless.clone(),
        _ => format!("good{n}"),
    });
    let inserts = ids.map(|id| store.insert_workflow(workflow(id, owner)));
    for (n, inserted) in join_all(inserts).await.into_iter().enumerate() {
        match inserted {
            Ok(outcome) => assert_eq!(outcome, InsertOutcome::Inserted),
            Err(error) => {
                assert_eq!(n, 25);
                assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
            }
        }
    }
    let rows = number(&format!(
        "SELECT count(*) FROM {schema}.workflows WHERE id LIKE 'good%'"
    ))
    .await;
    drop_schema(&schema).await;
    assert_eq!(rows, 49);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_that_goes_away_takes_no_others_writes_with_it() {
    let schema = fresh_schema();
    let (store, owner) = store_with_workflows(&schema).await;
    for round in 0..5 {
        let doomed = store.clone();
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let mut write = Box::pin(doomed.record_step(step("w0", owner, round)));
                assert!(poll!(&mut write).is_pending());
                // The committing task starts, and is cut off.
                tokio::task::yield_now().await;
            });
        });
        tokio::task::spawn_blocking(|| gone.join())
            .await
            .expect("is not cancelled")
            .expect("does not panic");
        let recorded = store.record_step(step("w1", owner, round)).await;
        assert_eq!(recorded.expect("records"), RecordOutcome::Recorded);
    }
    drop_schema(&schema).await;
}
