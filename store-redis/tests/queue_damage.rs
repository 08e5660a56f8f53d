//! A queued row that was damaged by hand is named, left, and holds nobody up.
mod support;

use durable_api::store::{
    ArchiveStore as _, Debounce, ExecutorStore as _, ExpelExecutor, InsertOutcome, Owner,
    QueueStore as _, ReleaseDelayed, ScheduleRecord, ScheduleStore as _, SetDelay, StoreErrorKind,
    StoreResult, WorkflowStore as _,
};
use store_redis::RedisStore;
use support::{clean, fresh_prefix, run, shared_url, work};

struct Bench {
    prefix: String,
    url: String,
    store: RedisStore,
}

impl Bench {
    async fn new() -> Self {
        let prefix = fresh_prefix();
        let url = shared_url(&prefix);
        let store = work::open(&url).await;
        Self { prefix, url, store }
    }

    /// Runs a command whose second word is a key without its prefix.
    async fn damage(&self, words: &[&str]) {
        let key = format!("{{{}}}:{}", self.prefix, words[1]);
        let mut words = words.to_vec();
        words[1] = &key;
        let _: redis::Value = run(&self.url, &words).await;
    }

    async fn end(self) {
        clean(&self.url, &self.prefix).await;
    }
}

fn assert_names_bad<T: std::fmt::Debug>(result: StoreResult<T>) {
    let error = result.expect_err("is damaged");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("`bad`"), "{error}");
}

/// Ways to make a queued row unreadable, or other than the indexes say.
const DAMAGES: [&[&str]; 10] = [
    &["HDEL", "wf:bad", "queue"],
    &["HSET", "wf:bad", "priority", "high"],
    &["HSET", "wf:bad", "priority", "2147483648"],
    &["HSET", "wf:bad", "timeout", "-1"],
    &["HSET", "wf:bad", "debounce", "half"],
    &["HSET", "wf:bad", "delayed", "tomorrow"],
    &["HSET", "wf:bad", "accepted", "first"],
    &["HSET", "wf:bad", "partition", "other"],
    &["HDEL", "wf:bad", "name"],
    &["DEL", "wf:bad"],
];

#[tokio::test]
async fn a_damaged_row_at_the_head_of_its_line_is_named_and_passed_over() {
    for damage in DAMAGES {
        let bench = Bench::new().await;
        for id in ["bad", "good", "later"] {
            work::enqueue(&bench.store, id).await;
        }
        bench.damage(damage).await;
        let incarnation = work::register(&bench.store).await;
        for (execution, expected) in [(1, "good"), (2, "later")] {
            let mut request = work::dequeueing(Owner::new(incarnation, execution));
            request.limit = 1;
            let answer = bench.store.dequeue_workflows(request).await;
            let answer = answer.expect("dequeues");
            assert_eq!(answer.taken.len(), 1, "{damage:?}");
            assert_eq!(answer.taken[0].record.id, expected);
            assert_eq!(answer.damaged.len(), 1, "{damage:?}");
            assert_eq!(answer.damaged[0].workflow_id, "bad");
        }
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_row_that_is_delayed_keeps_no_other_from_its_release_and_nobody_waits_for_it() {
    for damage in DAMAGES {
        // Where it will wait does not matter yet.
        if damage[2..].first() == Some(&"partition") {
            continue;
        }
        let bench = Bench::new().await;
        for id in ["bad", "good"] {
            let mut request = work::enqueueing(id);
            let enqueue = request.enqueue.as_mut().expect("is queued");
            enqueue.delayed_until = Some(work::now());
            bench.store.insert_workflow(request).await.expect("inserts");
        }
        bench.damage(damage).await;
        let release = ReleaseDelayed::new(work::APP, work::now());
        let released = bench.store.release_delayed(release).await;
        let released = released.expect("releases");
        assert_eq!((released.released, released.next), (1, None), "{damage:?}");
        if damage[0] != "DEL" {
            let delay = SetDelay::new("bad", work::now(), work::now());
            assert_names_bad(bench.store.set_delay(delay).await);
            assert_names_bad(bench.store.export_workflow("bad").await);
        }
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_row_that_ran_is_not_put_back_and_others_are() {
    for is_retired in [false, true] {
        let bench = Bench::new().await;
        let store = &bench.store;
        for id in ["bad", "good"] {
            work::enqueue(store, id).await;
        }
        let owner = work::owner(store).await;
        let taken = work::dequeue(store, work::dequeueing(owner)).await;
        assert_eq!(taken, ["bad", "good"]);
        bench.damage(&["HSET", "wf:bad", "priority", "high"]).await;
        if is_retired {
            let retired = store.retire_executor(owner.incarnation).await;
            assert_eq!(retired.expect("retires").released, 1);
        } else {
            let expel = ExpelExecutor::new(owner.incarnation, 0);
            store.expel_executor(expel).await.expect("expels");
        }
        let heir = work::owner(store).await;
        let claimed = store.claim_workflows(work::claiming(heir)).await;
        let claimed = claimed.expect("claims");
        assert_eq!(claimed.damaged.len(), 1);
        assert_eq!(claimed.damaged[0].workflow_id, "bad");
        assert_eq!(claimed.requeued.len(), usize::from(!is_retired));
        let taken = work::dequeue(store, work::dequeueing(heir)).await;
        assert_eq!(taken, ["good"]);
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_holder_of_a_key_is_named_and_one_that_is_gone_holds_nothing() {
    let requests = |id: &str| {
        let mut deduplicated = work::enqueueing(id);
        let enqueue = deduplicated.enqueue.as_mut().expect("is queued");
        enqueue.deduplication_id = Some("once".to_owned());
        let mut debounced = work::enqueueing(id);
        let enqueue = debounced.enqueue.as_mut().expect("is queued");
        enqueue.delayed_until = Some(work::now());
        enqueue.debounce = Some(Debounce::new("key", work::now()));
        [deduplicated, debounced]
    };
    for (bad, other) in requests("bad").into_iter().zip(requests("other")) {
        let bench = Bench::new().await;
        let inserted = bench.store.insert_workflow(bad).await;
        inserted.expect("inserts");
        bench.damage(&["HSET", "wf:bad", "priority", "high"]).await;
        assert_names_bad(bench.store.insert_workflow(other.clone()).await);
        bench.damage(&["DEL", "wf:bad"]).await;
        let inserted = bench.store.insert_workflow(other).await;
        assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
        bench.end().await;
    }
}

#[tokio::test]
async fn a_damaged_schedule_is_named_by_whoever_asks_for_it() {
    let bench = Bench::new().await;
    let (workflow, cron) = (work::NAME, "* * * * *");
    let input = work::payload();
    let schedule = ScheduleRecord::new(
        work::APP,
        "bad",
        workflow,
        cron,
        input,
        work::QUEUE,
        work::now(),
    );
    let created = bench.store.create_schedule(schedule.clone()).await;
    created.expect("creates");
    let damage = ["HSET", "schedule:3:appbad", "last_tick", "never"];
    bench.damage(&damage).await;
    assert_names_bad(bench.store.list_schedules(work::APP).await);
    assert_names_bad(bench.store.create_schedule(schedule.clone()).await);
    assert_names_bad(bench.store.apply_schedules(vec![schedule.clone()]).await);
    let deleted = bench.store.delete_schedule(work::APP, "bad").await;
    deleted.expect("deletes");
    let created = bench.store.create_schedule(schedule).await;
    created.expect("creates");
    bench.end().await;
}
