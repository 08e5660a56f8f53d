//! No script holds the server up: large amounts are taken in pieces, and nothing is lost in between.
mod support;

use std::collections::BTreeSet;

use durable_api::{
    Payload, Timestamp,
    store::{
        AdministrationStore as _, CancelExpired, DeleteFinished, ExecutorStore as _, ForkOutcome,
        ForkWorkflow, ManagementStore as _, Owner, ReadStream, StepStore as _, StoreErrorKind,
        StreamState, StreamStore as _, WorkflowFilter, WorkflowStore as _,
    },
};
use redis::AsyncCommands as _;
use store_redis::RedisStore;
use support::{clean, fresh_prefix, raw, run, shared_url, work};

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

#[tokio::test]
async fn a_page_of_a_stream_ends_before_it_is_too_large_and_says_that_there_is_more() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    work::insert(&store, "w", owner).await;
    for step in 0..3 {
        let mut request = work::value("w", owner, step);
        request.value = Some(Payload::new("bincode", vec![7_u8; 20 << 20]));
        store.append_stream(request).await.expect("appends");
    }
    let finish = work::finish("w", owner);
    store.finish_workflow(finish).await.expect("finishes");
    let read = async |from| {
        let page = store.read_stream(ReadStream::new("w", "key", from)).await;
        let page = page.expect("reads");
        (page.values.len(), page.state)
    };
    assert_eq!(read(0).await, (2, StreamState::Open));
    assert_eq!(read(2).await, (1, StreamState::WorkflowOver));
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn whatever_is_over_its_deadline_is_cancelled_in_order_past_what_is_damaged() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    let ids: Vec<String> = (0..2_500).map(|number| format!("{number:05}")).collect();
    let inserts = ids.iter().zip(0..).map(|(id, number)| {
        let mut request = work::insertion(id, owner);
        // The later ones expire first.
        request.deadline = Some(Timestamp::from_millis(10_000 - number));
        store.insert_workflow(request)
    });
    for inserted in futures::future::join_all(inserts).await {
        inserted.expect("inserts");
    }
    let damaged = format!("{{{prefix}}}:wf:02499");
    let () = run(&url, &["DEL", &damaged]).await;

    let mut request = CancelExpired::new(work::APP, work::now());
    request.limit = 2_200;
    let mut expected: Vec<String> = ids.into_iter().rev().skip(1).collect();
    let rest = expected.split_off(2_200);
    let cancelled = store.cancel_expired(request.clone()).await;
    assert_eq!(cancelled.expect("cancels"), expected);
    let cancelled = store.cancel_expired(request.clone()).await;
    assert_eq!(cancelled.expect("cancels"), rest);
    let cancelled = store.cancel_expired(request).await;
    assert_eq!(cancelled.expect("cancels"), Vec::<String>::new());
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn thousands_of_finished_workflows_are_deleted_past_what_is_damaged() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    let ids: Vec<String> = (0..2_500).map(|number| format!("{number:05}")).collect();
    futures::future::join_all(ids.iter().map(|id| work::insert(&store, id, owner))).await;
    let finishes = ids
        .iter()
        .map(|id| store.finish_workflow(work::finish(id, owner)));
    for finished in futures::future::join_all(finishes).await {
        finished.expect("finishes");
    }
    let damaged = format!("{{{prefix}}}:wf:00000");
    let () = run(&url, &["HDEL", &damaged, "status"]).await;

    let mut request = DeleteFinished::new(work::APP);
    request.keep_latest = Some(200);
    request.limit = 2_000;
    let deleted = store.delete_finished(request.clone()).await;
    assert_eq!(deleted.expect("deletes"), 2_000);
    let deleted = store.delete_finished(request.clone()).await;
    assert_eq!(deleted.expect("deletes"), 299);
    let deleted = store.delete_finished(request).await;
    assert_eq!(deleted.expect("deletes"), 0);
    let page = store.list_workflows(WorkflowFilter::new()).await;
    let page = page.expect("lists");
    assert_eq!(page.workflows.len(), 200);
    assert_eq!(page.workflows[0].id, ids[2_300]);
    assert_eq!(page.damaged.len(), 1);
    clean(&url, &prefix).await;
}

/// Gives a workflow this many more checkpoints, behind the store's back: copies of its first.
async fn lengthen(url: &str, prefix: &str, id: &str, steps: u32) {
    let mut connection = raw(url).await;
    let key = format!("{{{prefix}}}:steps:{id}");
    let first: Vec<u8> = connection.hget(&key, "0").await.expect("reads");
    for piece in (1..=steps).collect::<Vec<_>>().chunks(1_000) {
        let fields: Vec<_> = piece.iter().map(|step| (*step, &first)).collect();
        let () = connection
            .hset_multiple(&key, &fields)
            .await
            .expect("writes");
    }
}

#[tokio::test]
async fn forks_that_copy_too_much_at_once_are_refused_and_leave_nothing() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    work::insert(&store, "long", owner).await;
    store
        .record_step(work::step("long", owner, 0))
        .await
        .expect("records");
    lengthen(&url, &prefix, "long", 20_000).await;
    let fork = |id: &str, from| ForkWorkflow::new("long", id, from, work::now());
    let forks = |count: u32, from| (0..count).map(move |number| fork(&number.to_string(), from));

    let chain = (0..5).map(|number: u32| {
        let source = match number {
            0 => "long".to_owned(),
            _ => (number - 1).to_string(),
        };
        ForkWorkflow::new(source, number.to_string(), 20_001, work::now())
    });
    for requests in [
        forks(5, 20_001).collect(),
        forks(5, 90_000).collect(),
        chain.collect(),
    ] {
        let error = store.fork_workflows(requests).await;
        let error = error.expect_err("is refused");
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("fork fewer"), "{error}");
    }
    let listing = WorkflowFilter::new().forked_from("long");
    let page = store.list_workflows(listing).await.expect("lists");
    assert_eq!(page.workflows, []);

    let answers = store.fork_workflows(forks(5, 20_000).collect()).await;
    assert_eq!(answers.expect("forks"), [ForkOutcome::Forked; 5]);
    let steps = store.list_steps("4").await.expect("lists");
    assert_eq!(steps.len(), 20_000);
    assert_eq!(steps.last().map(|step| step.step_id), Some(19_999));
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn forks_of_large_payloads_are_refused_together_and_made_one_by_one() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    let mut request = work::insertion("w", owner);
    request.input = Payload::new("bincode", vec![7_u8; 20 << 20]);
    store.insert_workflow(request).await.expect("inserts");
    let mut request = work::value("w", owner, 0);
    request.value = Some(Payload::new("bincode", vec![7_u8; 20 << 20]));
    store.append_stream(request).await.expect("appends");

    let forks: Vec<_> = (0..7)
        .map(|number| ForkWorkflow::new("w", number.to_string(), 1, work::now()))
        .collect();
    let error = store.fork_workflows(forks.clone()).await;
    let error = error.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    let answers = store.fork_workflows(forks[..1].to_vec()).await;
    assert_eq!(answers.expect("forks"), [ForkOutcome::Forked]);
    let page = store.read_stream(ReadStream::new("0", "key", 0)).await;
    assert_eq!(page.expect("reads").values.len(), 1);
    clean(&url, &prefix).await;
}
