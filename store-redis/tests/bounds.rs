//! No script holds the server up: large amounts are taken in pieces, and nothing is lost in between.
mod support;

use std::collections::BTreeSet;

use durable_api::{
    Payload,
    store::{
        AdministrationStore as _, ExecutorStore as _, Owner, StepStore as _, WorkflowFilter,
        WorkflowStore as _,
    },
};
use store_redis::RedisStore;
use support::{clean, fresh_prefix, shared_url, work};

/// Claims until there is no more, and returns the ids and how many calls that took.
async fn claim_all(store: &RedisStore) -> (BTreeSet<String>, u64) {
    let heir = work::register(store).await;
    let mut ids = BTreeSet::new();
    for execution in 1.. {
        let owner = Owner::new(heir, execution);
        let answer = store
            .claim_workflows(work::claiming(owner))
            .await
            .expect("claims");
        assert_eq!(answer.damaged, []);
        for claimed in answer.claimed {
            assert_eq!(claimed.record.recovery_attempts, 0, "was handed back");
            assert!(ids.insert(claimed.record.id), "was claimed twice");
        }
        if !answer.more {
            return (ids, execution);
        }
    }
    unreachable!("the loop returns")
}

#[tokio::test]
async fn an_executor_with_thousands_of_workflows_hands_all_of_them_back() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    let ids: Vec<String> = (0..2_500).map(|number| format!("{number:05}")).collect();
    futures::future::join_all(ids.iter().map(|id| work::insert(&store, id, owner))).await;

    let retired = store
        .retire_executor(owner.incarnation)
        .await
        .expect("retires");
    assert_eq!(retired.released, 2_500);
    assert_eq!(store.list_executors(work::APP).await.expect("lists"), []);
    let (claimed, calls) = claim_all(&store).await;
    assert_eq!(claimed, ids.into_iter().collect());
    assert_eq!(calls, 26, "a hundred at a time, then none");
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn a_claim_of_large_payloads_ends_early_and_says_that_there_is_more() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    for id in ["a", "b", "c"] {
        let mut request = work::insertion(id, owner);
        request.input = Payload::new("bincode", vec![7_u8; 20 << 20]);
        store.insert_workflow(request).await.expect("inserts");
        store
            .record_step(work::step(id, owner, 0))
            .await
            .expect("records");
    }
    store
        .retire_executor(owner.incarnation)
        .await
        .expect("retires");
    let (claimed, calls) = claim_all(&store).await;
    assert_eq!(claimed.len(), 3);
    assert_eq!(calls, 2);
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn a_listing_goes_through_any_number_of_rows_page_by_page() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    let ids: Vec<String> = (0..1_000).map(|number| format!("{number:05}")).collect();
    futures::future::join_all(ids.iter().map(|id| work::insert(&store, id, owner))).await;

    let mut filter = WorkflowFilter::new().limit(300).id_prefix("00");
    let mut listed = Vec::new();
    loop {
        let page = store.list_workflows(filter.clone()).await.expect("lists");
        listed.extend(page.workflows.into_iter().map(|record| record.id));
        match page.next {
            Some(next) => filter = filter.after(next),
            None => break,
        }
    }
    assert_eq!(listed, ids);
    clean(&url, &prefix).await;
}
