//! Queues: limits under races, whatever is killed; what a dequeue costs; and what a queue leaves behind.
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use durable_api::{
    Timestamp, WorkflowStatus,
    store::{
        AdministrationStore as _, Debounce, DeleteQueueOutcome, DeleteWorkflows,
        ExecutorStore as _, ExpelExecutor, InsertOutcome, InsertWorkflow, ManagementStore as _,
        Owner, ParentCheckpoint, Payloads, QueueRecord, QueueStore as _, RateLimit, ReleaseDelayed,
        StepStore as _, StoreErrorKind, WorkflowFilter, WorkflowStore as _,
    },
};
use store_redis::RedisStore;
use support::{Server, clean, fresh_prefix, run, shared_url, work};

fn queue() -> QueueRecord {
    QueueRecord::new(work::APP, work::QUEUE)
}

async fn put(store: &RedisStore, queue: QueueRecord) {
    store.put_queue(queue).await.expect("is stored");
}

async fn enqueue_in(store: &RedisStore, id: &str, partition: &str) {
    let mut request = work::enqueueing(id);
    let enqueue = request.enqueue.as_mut().expect("is queued");
    enqueue.partition_key = Some(partition.to_owned());
    store.insert_workflow(request).await.expect("inserts");
}

async fn running(store: &RedisStore) -> usize {
    let filter = WorkflowFilter::new().status(WorkflowStatus::Pending);
    let page = store.list_workflows(filter).await.expect("lists");
    page.workflows.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_handles_that_race_never_run_more_than_the_limits_allow() {
    const ALL: usize = 200;
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let mut record = queue();
    record.limits.concurrency = Some(5);
    record.limits.executor_concurrency = Some(2);
    record.partition_limits.concurrency = Some(3);
    put(&store, record).await;
    for number in 0..ALL {
        let partition = if number % 4 == 0 { "rare" } else { "frequent" };
        enqueue_in(&store, &number.to_string(), partition).await;
    }

    // Counted from the answer of a dequeue to the call of a finish, so never more than there are.
    let (now_running, finished) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            let (now_running, finished) = (Arc::clone(&now_running), Arc::clone(&finished));
            tokio::spawn(async move {
                let store = work::open(&url).await;
                let incarnation = work::register(&store).await;
                for execution in 1.. {
                    let owner = Owner::new(incarnation, execution);
                    let taken = work::dequeue(&store, work::dequeueing(owner)).await;
                    assert!(taken.len() <= 2, "the executor's limit is 2");
                    let before = now_running.fetch_add(taken.len(), Ordering::SeqCst);
                    assert!(before + taken.len() <= 5, "the queue's limit is 5");
                    tokio::task::yield_now().await;
                    now_running.fetch_sub(taken.len(), Ordering::SeqCst);
                    for id in taken {
                        let finish = work::finish(&id, owner);
                        store.finish_workflow(finish).await.expect("finishes");
                        finished.fetch_add(1, Ordering::SeqCst);
                    }
                    if finished.load(Ordering::SeqCst) == ALL {
                        return;
                    }
                }
            })
        })
        .collect();
    let watch = async {
        while finished.load(Ordering::SeqCst) < ALL {
            // A listing is no snapshot, so only the limits of the queue's own count are looked at.
            let key = format!("{{{prefix}}}:running:3:app{}", work::QUEUE);
            let members: usize = run(&url, &["ZCARD", &key]).await;
            assert!(members <= 10, "{members} entries for at most 5 workflows");
        }
    };
    tokio::time::timeout(Duration::from_secs(120), watch)
        .await
        .expect("all are finished");
    for worker in workers {
        worker.await.expect("a worker");
    }
    assert_eq!(running(&store).await, 0);
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn what_a_dead_executor_runs_counts_until_it_is_back_in_the_queue() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let mut record = queue();
    record.limits.concurrency = Some(1);
    put(&store, record).await;
    work::enqueue(&store, "one").await;
    work::enqueue(&store, "two").await;
    let dead = work::owner(&store).await;
    assert_eq!(work::dequeue(&store, work::dequeueing(dead)).await, ["one"]);
    let expel = ExpelExecutor::new(dead.incarnation, 0);
    store.expel_executor(expel).await.expect("expels");

    let heir = work::register(&store).await;
    let take = |execution| work::dequeueing(Owner::new(heir, execution));
    assert_eq!(work::dequeue(&store, take(1)).await, [""; 0]);
    let claimed = store.claim_workflows(work::claiming(Owner::new(heir, 2)));
    assert_eq!(claimed.await.expect("claims").requeued, ["one"]);
    assert_eq!(work::dequeue(&store, take(3)).await, ["one"]);
    let refused = store.finish_workflow(work::finish("one", dead)).await;
    assert_eq!(
        refused.expect("answers"),
        durable_api::store::FinishOutcome::NotOwner
    );
    assert_eq!(work::dequeue(&store, take(4)).await, [""; 0]);
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn what_was_taken_is_taken_after_the_server_was_killed() {
    let mut server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let mut record = queue();
    record.limits.concurrency = Some(2);
    record.limits.rate = Some(RateLimit::new(3, Duration::from_secs(1)));
    put(&store, record).await;
    for id in ["a", "b", "c", "d", "e"] {
        work::enqueue(&store, id).await;
    }
    let owner = work::owner(&store).await;
    let request = work::dequeueing(owner);
    assert_eq!(work::dequeue(&store, request.clone()).await, ["a", "b"]);
    server.kill();
    server.restart().await;

    // The answer might have been lost as well: the same owner gets the same work, another one none.
    let again = work::persist(async || store.dequeue_workflows(request.clone()).await).await;
    assert_eq!(again.taken.len(), 2);
    let other = work::dequeueing(Owner::new(owner.incarnation, 2));
    assert_eq!(work::dequeue(&store, other.clone()).await, [""; 0]);
    for id in ["a", "b"] {
        let finish = work::finish(id, owner);
        store.finish_workflow(finish).await.expect("finishes");
    }
    let answer = store.dequeue_workflows(other).await.expect("dequeues");
    assert_eq!(answer.taken.len(), 1, "the third start of this second");
    let next = Timestamp::from_millis(work::now().as_millis() + 1_000);
    assert_eq!(answer.retry_at, Some(next));
}

/// How many commands the server carries out for one call, those of scripts counted.
async fn commands(url: &str, call: impl AsyncFnOnce()) -> u64 {
    let () = run(url, &["CONFIG", "RESETSTAT"]).await;
    call().await;
    let stats: String = run(url, &["INFO", "commandstats"]).await;
    stats
        .lines()
        .filter(|line| !line.contains("cmdstat_config") && !line.contains("cmdstat_info"))
        .filter_map(|line| line.split("calls=").nth(1)?.split(',').next())
        .map(|count| count.parse::<u64>().expect("a number"))
        .sum()
}

#[tokio::test]
async fn a_dequeue_does_not_cost_more_where_more_waits() {
    let server = Server::start(&["--appendonly", "no"]).await;
    let url = server.url();
    let store = work::open(&url).await;
    let mut record = queue();
    record.limits.concurrency = Some(1_000);
    put(&store, record).await;
    let incarnation = work::register(&store).await;
    let cost = async |execution| {
        commands(&url, async || {
            let mut request = work::dequeueing(Owner::new(incarnation, execution));
            request.limit = 10;
            assert_eq!(work::dequeue(&store, request).await.len(), 10);
        })
        .await
    };
    for number in 0..60 {
        enqueue_in(&store, &format!("few {number}"), "noisy").await;
        enqueue_in(&store, &format!("quiet {number}"), "quiet").await;
    }
    cost(1).await;
    let before = cost(2).await;
    let many: Vec<String> = (0..5_000).map(|number| format!("many {number}")).collect();
    futures::future::join_all(many.iter().map(|id| enqueue_in(&store, id, "noisy"))).await;
    assert_eq!(cost(3).await, before);
    assert!(before < 120, "{before} commands for ten workflows");
}

#[tokio::test]
async fn a_dequeue_that_finds_nothing_looks_only_once_however_much_has_ended() {
    let server = Server::start(&["--appendonly", "no"]).await;
    let url = server.url();
    let store = work::open(&url).await;
    let incarnation = work::register(&store).await;
    for number in 0..50 {
        work::enqueue(&store, &number.to_string()).await;
    }
    let owner = Owner::new(incarnation, 1);
    for id in work::dequeue(&store, work::dequeueing(owner)).await {
        let finish = work::finish(&id, owner);
        store.finish_workflow(finish).await.expect("finishes");
    }
    let cost = commands(&url, async || {
        let request = work::dequeueing(Owner::new(incarnation, 2));
        assert_eq!(work::dequeue(&store, request).await, [""; 0]);
    })
    .await;
    assert!(cost <= 4, "the script and three commands, but {cost}");
}

#[tokio::test]
async fn a_queue_whose_work_is_gone_leaves_only_counters() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let mut record = queue();
    record.limits.rate = Some(RateLimit::new(100, Duration::from_secs(1)));
    record.partition_limits.rate = record.limits.rate;
    record.weights.insert("a".to_owned(), 3);
    put(&store, record).await;
    let ids = ["one", "two", "three", "four", "five"];
    for (id, partition) in ids.into_iter().zip(["a", "a", "b", "c", "a"]) {
        enqueue_in(&store, id, partition).await;
    }
    let mut delayed = work::enqueueing("late");
    let enqueue = delayed.enqueue.as_mut().expect("is queued");
    enqueue.delayed_until = Some(work::now());
    enqueue.deduplication_id = Some("once".to_owned());
    store.insert_workflow(delayed).await.expect("inserts");
    let release = ReleaseDelayed::new(work::APP, work::now());
    let released = store.release_delayed(release).await.expect("releases");
    assert_eq!(released.released, 1);
    let owner = work::owner(&store).await;
    let mut request = work::dequeueing(owner);
    request.limit = 4;
    assert_eq!(work::dequeue(&store, request).await.len(), 4);
    let in_use = store.delete_queue(work::APP, work::QUEUE).await;
    assert_eq!(in_use.expect("answers"), DeleteQueueOutcome::InUse);

    let all = ids.into_iter().chain(["late"]).map(str::to_owned).collect();
    let deleted = store.delete_workflows(DeleteWorkflows::new(all)).await;
    assert_eq!(deleted.expect("deletes").changed.len(), 6);
    let deleted = store.delete_queue(work::APP, work::QUEUE).await;
    assert_eq!(deleted.expect("deletes"), DeleteQueueOutcome::Deleted);
    let mut keys: Vec<String> = run(&server.url(), &["KEYS", "*"]).await;
    keys.retain(|key| !key.starts_with("{durable}:executor"));
    keys.sort_unstable();
    assert_eq!(keys, ["{durable}:accepted", "{durable}:schema"]);
}

#[tokio::test]
async fn the_starts_that_no_rate_counts_any_more_are_forgotten() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let mut record = queue();
    record.limits.rate = Some(RateLimit::new(10, Duration::from_secs(1)));
    record.partition_limits.rate = record.limits.rate;
    put(&store, record).await;
    let incarnation = work::register(&store).await;
    for round in 0..20 {
        for number in 0..10 {
            enqueue_in(&store, &format!("{round}-{number}"), &number.to_string()).await;
        }
        let owner = Owner::new(incarnation, round);
        let mut request = work::dequeueing(owner);
        let passed = i64::try_from(round).expect("is small") * 1_000;
        request.now = Timestamp::from_millis(work::now().as_millis() + passed);
        assert_eq!(work::dequeue(&store, request).await.len(), 10);
    }
    let key = format!("{{{prefix}}}:starts:3:app{}", work::QUEUE);
    let members: u64 = run(&url, &["ZCARD", &key]).await;
    assert_eq!(
        members, 20,
        "the last ten, for the queue and for their partitions"
    );
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn a_damaged_configuration_is_named_and_stops_its_own_queue_only() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    put(&store, queue()).await;
    work::enqueue(&store, "held").await;
    let mut other = work::enqueueing("free");
    other.enqueue.as_mut().expect("is queued").queue = "other".to_owned();
    store.insert_workflow(other).await.expect("inserts");
    let key = format!("{{{prefix}}}:queues:{}", work::APP);
    let incarnation = work::register(&store).await;
    for (execution, damage) in [
        "rubbish",
        "[]",
        "{\"app\":\"app\",\"name\":\"queue\",\"limits\":{\"concurrency\":\"many\"}}",
        "{\"app\":\"app\",\"name\":\"queue\",\"limits\":7}",
        "{\"app\":\"app\",\"name\":\"queue\",\"limits\":{\"rate\":{}}}",
    ]
    .into_iter()
    .enumerate()
    {
        let _: u64 = run(&url, &["HSET", &key, work::QUEUE, damage]).await;
        let error = store.list_queues(work::APP).await.expect_err(damage);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("`queue`"), "{error}");
        let request = work::dequeueing(Owner::new(incarnation, execution as u64));
        let expected: &[&str] = if execution == 0 { &["free"] } else { &[] };
        assert_eq!(work::dequeue(&store, request).await, expected);
    }
    put(&store, queue()).await;
    let request = work::dequeueing(Owner::new(incarnation, 99));
    assert_eq!(work::dequeue(&store, request).await, ["held"]);
    let row = store.get_workflow("held", Payloads::Omit).await;
    assert!(row.expect("reads").is_some());
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_starts_nothing_when_its_workflow_was_released_meanwhile() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let push = |id: &str| {
        let mut request = work::enqueueing(id);
        let enqueue = request.enqueue.as_mut().expect("is queued");
        enqueue.delayed_until = Some(work::now());
        enqueue.debounce = Some(Debounce::new("key", work::now()));
        request
    };
    let insert = async |id| store.insert_workflow(push(id)).await.expect("answers");
    assert_eq!(insert("first").await, InsertOutcome::Inserted);
    let pushed = InsertOutcome::Debounced("first".to_owned());
    assert_eq!(insert("second").await, pushed);
    let release = ReleaseDelayed::new(work::APP, work::now());
    store.release_delayed(release).await.expect("releases");
    assert_eq!(insert("second").await, pushed);
    assert_eq!(insert("third").await, InsertOutcome::Inserted);

    let ids = ["first", "third"].map(str::to_owned).to_vec();
    let deleted = store.delete_workflows(DeleteWorkflows::new(ids)).await;
    assert_eq!(deleted.expect("deletes").changed.len(), 2);
    let left: Vec<String> = run(&url, &["KEYS", &format!("{{{prefix}}}:push*")]).await;
    assert_eq!(left, [""; 0]);
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn what_a_checkpoint_says_of_completions_stays_when_it_names_another_child() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    work::insert(&store, "parent", owner).await;
    let child = |step_id, mut request: InsertWorkflow| {
        let mut parent = ParentCheckpoint::new("parent", owner, step_id, "child");
        parent.completions = Some(format!("said by {step_id}"));
        request.parent = Some(parent);
        request
    };
    let unique = |id| {
        let mut request = work::enqueueing(id);
        let enqueue = request.enqueue.as_mut().expect("is queued");
        enqueue.deduplication_id = Some("one".to_owned());
        request
    };
    for (request, expected) in [
        (child(0, unique("first")), InsertOutcome::Inserted),
        (
            child(1, unique("second")),
            InsertOutcome::Deduplicated("first".to_owned()),
        ),
        (
            child(2, work::insertion("third", owner)),
            InsertOutcome::Inserted,
        ),
    ] {
        let answer = store.insert_workflow(request.clone()).await;
        assert_eq!(answer.expect("answers"), expected);
        let again = store.insert_workflow(request).await.expect("answers");
        assert!(
            again == expected || matches!(again, InsertOutcome::Existing(_)),
            "{again:?}"
        );
    }
    let steps = store.list_steps("parent").await.expect("lists");
    for (step, child) in steps.iter().zip(["first", "first", "third"]) {
        assert_eq!(step.name, "child");
        assert_eq!(step.child_id.as_deref(), Some(child));
        let said = format!("said by {}", step.step_id);
        assert_eq!(step.completions, Some(said));
    }
    assert_eq!(steps.len(), 3);
    clean(&url, &prefix).await;
}
