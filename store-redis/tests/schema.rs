//! The layout's version: made once, never overwritten.
mod support;

use durable_api::store::{
    ArchiveStore as _, ExecutorStore as _, FinishOutcome, LifecycleStore as _, Owner,
    QueueStore as _, StoreErrorKind, WorkflowStore as _,
};
use store_redis::RedisStore;
use support::{clean, fresh_prefix, run, shared_url, work};

#[tokio::test]
async fn a_store_of_schema_1_is_migrated_and_its_work_goes_on() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    for id in ["running", "lost"] {
        work::insert(&store, id, owner).await;
        work::fill(&store, id, owner).await;
        // Schema 1 did not keep the ids of messages that wait.
        let messages = format!("{{{prefix}}}:messages:{id}");
        let field = "#5:topic:0000000000000000001";
        let removed: u64 = run(&url, &["HDEL", &messages, field]).await;
        assert_eq!(removed, 1);
    }
    let schema = format!("{{{prefix}}}:schema");
    let () = run(&url, &["SET", &schema, "1"]).await;

    let error = store.verify().await.expect_err("is older");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error}");
    assert!(error.to_string().contains("migrate"), "{error}");
    let (one, other) = tokio::join!(store.migrate(), store.migrate());
    one.expect("migrates");
    other.expect("migrates");
    store.verify().await.expect("is verified");

    let finished = store.finish_workflow(work::finish("running", owner)).await;
    assert_eq!(finished.expect("finishes"), FinishOutcome::Finished);
    let archive = store.export_workflow("lost").await.expect("exports");
    let archive = archive.expect("is there");
    assert_eq!(archive.messages.len(), 1);
    assert_eq!(archive.steps.len(), 3);
    work::enqueue(&store, "queued").await;
    let heir = Owner::new(work::register(&store).await, 1);
    store
        .retire_executor(owner.incarnation)
        .await
        .expect("retires");
    let claimed = store.claim_workflows(work::claiming(heir)).await;
    let claimed = claimed.expect("claims");
    assert_eq!(claimed.claimed.len(), 1);
    assert_eq!(claimed.claimed[0].record.queue, None);
    assert_eq!(claimed.claimed[0].history.len(), 3);
    let taken = store.dequeue_workflows(work::dequeueing(heir)).await;
    assert_eq!(taken.expect("dequeues").taken.len(), 1);
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn a_newer_or_foreign_schema_is_refused_and_left_alone() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let key = format!("{{{prefix}}}:schema");
    let store = RedisStore::connect(&url).await.expect("connects");
    for found in ["3", "4000000000", "0", "something"] {
        let () = run(&url, &["SET", &key, found]).await;
        for result in [store.migrate().await, store.verify().await] {
            let error = result.expect_err(found);
            assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error}");
        }
        let left: String = run(&url, &["GET", &key]).await;
        assert_eq!(left, found);
    }
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn verifying_an_absent_schema_writes_nothing() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = RedisStore::connect(&url).await.expect("connects");
    let error = store.verify().await.expect_err("is absent");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error}");
    store.ping().await.expect("is reached");
    let schema = format!("{{{prefix}}}:schema");
    let exists: bool = run(&url, &["EXISTS", &schema]).await;
    assert!(!exists);
}
