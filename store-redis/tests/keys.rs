//! Where the store writes: under its prefix, in one slot, for good.
mod support;

use std::time::Duration;

use durable_api::store::{
    AdministrationStore as _, CancelExpired, CancelWorkflows, Debounce, DeleteWorkflows,
    EventLookup, EventStore as _, ExecutorStore as _, ExpelExecutor, FinishOutcome, FinishWorkflow,
    ForkWorkflow, ManagementStore as _, Outcome, Owner, QueueRecord, QueueStore as _, RateLimit,
    RegisterVersion, ResumeWorkflows, ScheduleRecord, ScheduleStore as _, StepStore as _,
    VersionStore as _, WorkflowFilter, WorkflowStore as _,
};
use store_redis::RedisStore;
use support::{Server, clean, fresh_prefix, run, shared_url, work};

/// Everything that the store does, on ids that try to leave the prefix.
async fn exercise(store: &RedisStore) {
    let owner = work::owner(store).await;
    for id in ["one", "{two}", "}:{other}", "*", "✨"] {
        work::insert(store, id, owner).await;
        store
            .record_step(work::step(id, owner, 0))
            .await
            .expect("records");
        work::insert_child(store, &format!("{id}-child"), owner, id).await;
        work::fill(store, &format!("{id}-child"), owner).await;
        let mut late = work::insertion(&format!("{id}-late"), owner);
        late.deadline = Some(work::now());
        store.insert_workflow(late).await.expect("inserts");
        let fork = ForkWorkflow::new(format!("{id}-child"), format!("{id}-fork"), 9, work::now());
        store.fork_workflows(vec![fork]).await.expect("forks");
    }
    let expired = CancelExpired::new(work::APP, work::now());
    let expired = store.cancel_expired(expired).await.expect("cancels");
    assert_eq!(expired.len(), 5);
    let outcome = Outcome::Success(work::payload());
    let finish = FinishWorkflow::new("one", owner, outcome, work::now());
    store.finish_workflow(finish).await.expect("finishes");
    let version = RegisterVersion::new("{a}", "{v}", work::now());
    store.register_version(version).await.expect("registers");

    let mut queue = QueueRecord::new(work::APP, work::QUEUE);
    queue.limits.rate = Some(RateLimit::new(100, Duration::from_secs(1)));
    queue.weights.insert("{p}".to_owned(), 9);
    store.put_queue(queue).await.expect("is stored");
    for (number, id) in ["q1", "q2", "q3"].into_iter().enumerate() {
        let mut request = work::enqueueing(id);
        let enqueue = request.enqueue.as_mut().expect("is queued");
        enqueue.partition_key = Some("{p}".to_owned());
        enqueue.deduplication_id = Some(format!("}}{id}{{"));
        enqueue.delayed_until = (number == 2).then(work::now);
        enqueue.debounce = Some(Debounce::new("{d}", work::now()));
        store.insert_workflow(request).await.expect("inserts");
    }
    let mut request = work::dequeueing(Owner::new(owner.incarnation, 2));
    request.limit = 1;
    assert_eq!(work::dequeue(store, request).await, ["q1"]);
    let (workflow, cron, input) = (work::NAME, "* * * * *", work::payload());
    let schedule = ScheduleRecord::new("{a}", "{s}", workflow, cron, input, "{q}", work::now());
    store.create_schedule(schedule).await.expect("creates");

    let heir = Owner::new(work::register(store).await, 1);
    store
        .retire_executor(owner.incarnation)
        .await
        .expect("retires");
    let claimed = store
        .claim_workflows(work::claiming(heir))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed.len(), 14);
}

#[tokio::test]
async fn every_key_carries_the_hash_tag_and_none_expires() {
    let server = Server::start(&[]).await;
    exercise(&work::open(&format!("{}?prefix=orders", server.url())).await).await;
    let keys: Vec<String> = run(&server.url(), &["KEYS", "*"]).await;
    assert!(keys.len() > 100, "{keys:?}");
    for key in keys {
        assert!(key.starts_with("{orders}:"), "{key}");
        let expiry: i64 = run(&server.url(), &["TTL", &key]).await;
        assert_eq!(expiry, -1, "{key}");
    }
}

#[tokio::test]
async fn stores_with_different_prefixes_see_nothing_of_each_other() {
    // One prefix begins with the other, which must not matter.
    let one = fresh_prefix();
    let other = format!("{one}x");
    let (one_url, other_url) = (shared_url(&one), shared_url(&other));
    let (store, stranger) = (work::open(&one_url).await, work::open(&other_url).await);
    exercise(&store).await;
    let page = stranger
        .list_workflows(WorkflowFilter::new())
        .await
        .expect("lists");
    assert_eq!(page.workflows, []);
    assert_eq!(stranger.list_executors(work::APP).await.expect("lists"), []);
    assert_eq!(stranger.list_versions("{a}").await.expect("lists"), []);
    let owner = work::owner(&stranger).await;
    let claimed = stranger
        .claim_workflows(work::claiming(owner))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed, []);
    clean(&one_url, &one).await;
    clean(&other_url, &other).await;
}

async fn finish(store: &RedisStore, id: &str, owner: Owner) {
    let outcome = Outcome::Failure(work::payload());
    let finish = FinishWorkflow::new(id, owner, outcome, work::now());
    let outcome = store.finish_workflow(finish).await.expect("finishes");
    assert_eq!(outcome, FinishOutcome::Finished);
}

#[tokio::test]
async fn what_is_finished_leaves_the_indexes_of_what_is_pending() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    for id in ["finished", "lost", "buried"] {
        work::insert(&store, id, owner).await;
    }
    finish(&store, "finished", owner).await;

    // One is taken over from a dead executor, then handed back, then finished by a third; another dies for good.
    let expel = ExpelExecutor::new(owner.incarnation, 0);
    store.expel_executor(expel).await.expect("expels");
    let second = work::owner(&store).await;
    let mut request = work::claiming(second);
    request.limit = 1;
    request.workflows[0].max_recovery_attempts = 0;
    let claimed = store.claim_workflows(request).await.expect("claims");
    assert_eq!(claimed.dead_lettered, ["buried"]);
    let claimed = store
        .claim_workflows(work::claiming(second))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed.len(), 1);
    store
        .retire_executor(second.incarnation)
        .await
        .expect("retires");
    let third = work::owner(&store).await;
    let claimed = store
        .claim_workflows(work::claiming(third))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed.len(), 1);
    finish(&store, "lost", third).await;
    store
        .retire_executor(third.incarnation)
        .await
        .expect("retires");

    let mut keys: Vec<String> = run(&server.url(), &["KEYS", "*"]).await;
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "{durable}:finished:app",
            "{durable}:schema",
            "{durable}:wf:buried",
            "{durable}:wf:finished",
            "{durable}:wf:lost",
            "{durable}:workflows"
        ]
    );
}

/// The keys of a private server, but those of executors.
async fn keys(server: &Server) -> Vec<String> {
    let mut keys: Vec<String> = run(&server.url(), &["KEYS", "*"]).await;
    keys.retain(|key| !key.starts_with("{durable}:executor"));
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn what_is_deleted_leaves_nothing() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    work::insert(&store, "parent", owner).await;
    work::insert_child(&store, "child", owner, "parent").await;
    for id in ["parent", "child"] {
        work::fill(&store, id, owner).await;
    }
    // One in every status that a deletion meets, all with a deadline.
    for id in ["running", "cancelled", "resumed", "finished", "handed back"] {
        let mut request = work::insertion(id, owner);
        request.deadline = Some(work::now());
        store.insert_workflow(request).await.expect("inserts");
    }
    let ids = ["cancelled", "resumed"].map(str::to_owned).to_vec();
    let cancel = CancelWorkflows::new(ids, work::now());
    store.cancel_workflows(cancel).await.expect("cancels");
    let resume = ResumeWorkflows::new(vec!["resumed".to_owned()], work::now());
    store.resume_workflows(resume).await.expect("resumes");
    finish(&store, "finished", owner).await;
    let forks = ["fork", "other fork"]
        .map(|id| ForkWorkflow::new("parent", id, 9, work::now()))
        .to_vec();
    store.fork_workflows(forks).await.expect("forks");
    assert!(keys(&server).await.len() > 40);

    let names = [
        "parent",
        "running",
        "cancelled",
        "resumed",
        "finished",
        "handed back",
        "fork",
        "other fork",
    ];
    let mut request = DeleteWorkflows::new(names.map(str::to_owned).to_vec());
    request.children = true;
    let deleted = store.delete_workflows(request).await.expect("deletes");
    assert_eq!(deleted.changed.len(), 9);
    assert_eq!(keys(&server).await, ["{durable}:schema"]);
}

#[tokio::test]
async fn an_id_that_was_deleted_starts_clean() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    for round in 0..3 {
        work::insert(&store, "w", Owner::new(owner.incarnation, round)).await;
        work::fill(&store, "w", Owner::new(owner.incarnation, round)).await;
        let request = DeleteWorkflows::new(vec!["w".to_owned()]);
        store.delete_workflows(request).await.expect("deletes");
        let event = store.get_event("w", "key").await.expect("reads");
        assert_eq!(event, EventLookup::UnknownWorkflow);
    }
    clean(&url, &prefix).await;
}
