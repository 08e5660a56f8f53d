//! Limits hold whoever asks at the same time, what is done leaves nothing behind, and damage stays where it is.
mod common;

use std::{collections::HashSet, time::Duration};

use common::{
    File, NOW, executor, payload,
    queues::{
        QUEUE, configure, dequeue, dequeue_at, dequeuing, enqueue, enqueue_so, enqueueing, ids,
    },
    step,
};
use durable_api::{
    Timestamp, WorkflowStatus,
    store::{
        AdministrationStore as _, CancelWorkflows, Debounce, ExecutorStore as _, FinishOutcome,
        FinishWorkflow, InsertOutcome, ManagementStore as _, Outcome, Owner, Payloads,
        QueueStore as _, RateLimit, ReleaseDelayed, StepStore as _, WorkflowFilter,
        WorkflowStore as _,
    },
};
use futures::future::join_all;
use sqlx::Row as _;
use store_sqlite::SqliteStore;

fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

async fn finish(store: &SqliteStore, id: &str, owner: Owner) {
    let request = FinishWorkflow::new(id, owner, Outcome::Success(payload("done")), NOW);
    let outcome = store.finish_workflow(request).await.expect("finishes");
    assert_eq!(outcome, FinishOutcome::Finished);
}

/// How many rows a statement counts.
async fn count(file: &File, sql: &'static str) -> i64 {
    let row = sqlx::query(sql).fetch_one(&mut file.raw().await).await;
    row.expect("counts").get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_hold_at_every_instant_and_nothing_is_lost_or_taken_twice_among_racing_handles() {
    const HANDLES: u64 = 8;
    const WORKFLOWS: usize = 400;
    let file = File::new();
    let store = file.open().await;
    configure(&store, |queue| {
        queue.limits.concurrency = Some(5);
        queue.limits.executor_concurrency = Some(2);
        queue.partition_limits.concurrency = Some(3);
    })
    .await;
    let inserts = (0..WORKFLOWS).map(|n| {
        store.insert_workflow(enqueueing(format!("w-{n}"), |enqueue| {
            enqueue.partition_key = (n % 3 > 0).then(|| format!("p{}", n % 3));
        }))
    });
    for inserted in join_all(inserts).await {
        assert_eq!(inserted.expect("enqueues"), InsertOutcome::Inserted);
    }
    let handles = (0..HANDLES).map(|_| {
        let options = file.options();
        tokio::spawn(async move {
            let store = common::ready(options).await;
            let incarnation = executor(&store).await;
            let mut done = Vec::new();
            let mut idle = 0;
            // Others may hold all slots for a while; there is an end when nothing waits.
            for execution in 0.. {
                let owner = Owner::new(incarnation, execution);
                let taken = dequeue(&store, owner, 3).await;
                assert!(taken.len() <= 2, "an executor's limit: {taken:?}");
                holds(&store).await;
                for id in &taken {
                    finish(&store, id, owner).await;
                }
                idle = if taken.is_empty() { idle + 1 } else { 0 };
                done.extend(taken);
                let filter = WorkflowFilter::new()
                    .status(WorkflowStatus::Enqueued)
                    .limit(1);
                let waiting = store.list_workflows(filter).await.expect("lists");
                if waiting.workflows.is_empty() {
                    break;
                }
                if idle > 0 {
                    tokio::task::yield_now().await;
                }
            }
            done
        })
    });
    let mut all = Vec::new();
    for handle in join_all(handles).await {
        all.extend(handle.expect("does not panic"));
    }
    assert_eq!(all.len(), WORKFLOWS, "none is lost or taken twice");
    let distinct: HashSet<String> = all.into_iter().collect();
    assert_eq!(distinct.len(), WORKFLOWS);
}

/// At this instant no limit of the race is exceeded.
async fn holds(store: &SqliteStore) {
    let filter = WorkflowFilter::new().status(WorkflowStatus::Pending);
    let page = store.list_workflows(filter).await.expect("lists");
    let pending = page.workflows;
    assert!(pending.len() <= 5, "{} are pending", pending.len());
    for one in &pending {
        let like = |same: &dyn Fn(&durable_api::store::WorkflowRecord) -> bool| {
            pending.iter().filter(|other| same(other)).count()
        };
        assert!(like(&|other| other.partition_key == one.partition_key) <= 3);
        let life = one.owner.expect("has one").incarnation;
        assert!(like(&|other| other.owner.expect("has one").incarnation == life) <= 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rate_holds_among_racing_handles() {
    let file = File::new();
    let store = file.open().await;
    configure(&store, |queue| {
        queue.limits.rate = Some(RateLimit::new(7, Duration::from_secs(60)));
    })
    .await;
    for n in 0..30 {
        enqueue(&store, &format!("w-{n}")).await;
    }
    let handles = (0..8).map(|n| {
        let options = file.options();
        tokio::spawn(async move {
            let store = common::ready(options).await;
            let owner = Owner::new(executor(&store).await, 1);
            // Their clocks differ, by less than the period.
            let answer = dequeue_at(&store, owner, 3, later(n * 1_000)).await;
            for one in &answer.taken {
                finish(&store, &one.record.id, owner).await;
            }
            answer.taken.len()
        })
    });
    let mut started = 0;
    for handle in join_all(handles).await {
        started += handle.expect("does not panic");
    }
    assert_eq!(started, 7);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_and_takes_no_more() {
    let file = File::new();
    let store = file.open().await;
    configure(&store, |queue| {
        queue.limits.rate = Some(RateLimit::new(2, Duration::from_secs(60)));
    })
    .await;
    for n in 0..5 {
        enqueue(&store, &format!("w-{n}")).await;
    }
    let owner = Owner::new(executor(&store).await, 1);
    let first = store.dequeue_workflows(dequeuing(owner, 10)).await;
    let first = first.expect("dequeues");
    assert_eq!(ids(&first), ["w-0", "w-1"]);
    assert_eq!(first.retry_at, Some(later(60_000)));
    let again = store.dequeue_workflows(dequeuing(owner, 10)).await;
    assert_eq!(again.expect("dequeues"), first);
    // Neither when more could be taken by now.
    let late = dequeue_at(&store, owner, 10, later(90_000)).await;
    assert_eq!(late.taken, first.taken);
}

#[tokio::test]
async fn a_debounced_call_that_is_repeated_after_the_release_starts_no_second_workflow() {
    let file = File::new();
    let store = file.open().await;
    let call = |id: &str| {
        enqueueing(id, |enqueue| {
            enqueue.delayed_until = Some(later(100));
            enqueue.debounce = Some(Debounce::new("key", later(1_000)));
        })
    };
    let accepted = store.insert_workflow(call("first")).await;
    assert_eq!(accepted.expect("is accepted"), InsertOutcome::Inserted);
    for _ in 0..2 {
        let pushed = store.insert_workflow(call("second")).await;
        assert_eq!(
            pushed.expect("is accepted"),
            InsertOutcome::Debounced("first".to_owned())
        );
        let released = store
            .release_delayed(ReleaseDelayed::new("app", later(100)))
            .await;
        released.expect("releases");
    }
    let third = store.insert_workflow(call("third")).await;
    assert_eq!(third.expect("is accepted"), InsertOutcome::Inserted);
}

#[tokio::test]
async fn partitions_without_work_are_forgotten() {
    let file = File::new();
    let store = file.open().await;
    let incarnation = executor(&store).await;
    for n in 0..100 {
        enqueue_so(&store, &format!("w-{n}"), |enqueue| {
            enqueue.partition_key = Some(format!("p-{n}"));
        })
        .await;
    }
    let cancelled = (0..30).map(|n| format!("w-{n}")).collect();
    let request = CancelWorkflows::new(cancelled, NOW);
    store.cancel_workflows(request).await.expect("cancels");
    let owner = Owner::new(incarnation, 1);
    let taken = dequeue(&store, owner, 1_000).await;
    assert_eq!(taken.len(), 70);
    for id in &taken[1..] {
        finish(&store, id, owner).await;
    }
    // Each look examines some.
    for execution in 2..10 {
        assert_eq!(
            dequeue(&store, Owner::new(incarnation, execution), 1).await,
            [""; 0]
        );
    }
    assert_eq!(
        count(&file, "SELECT count(*) FROM partitions").await,
        1,
        "one runs"
    );
    finish(&store, &taken[0], owner).await;
    assert_eq!(
        dequeue(&store, Owner::new(incarnation, 10), 1).await,
        [""; 0]
    );
    assert_eq!(count(&file, "SELECT count(*) FROM partitions").await, 0);
}

#[tokio::test]
async fn starts_are_forgotten_when_no_rate_counts_them_any_more() {
    let file = File::new();
    let store = file.open().await;
    configure(&store, |queue| {
        queue.limits.rate = Some(RateLimit::new(5, Duration::from_secs(1)));
        queue.partition_limits.rate = Some(RateLimit::new(5, Duration::from_secs(2)));
    })
    .await;
    let incarnation = executor(&store).await;
    for n in 0..10 {
        for m in 0..5 {
            enqueue(&store, &format!("w-{n}-{m}")).await;
        }
        let owner = Owner::new(incarnation, n);
        let taken = dequeue_at(
            &store,
            owner,
            10,
            later(i64::try_from(n).expect("is small") * 2_000),
        )
        .await;
        assert_eq!(taken.taken.len(), 5);
    }
    assert_eq!(count(&file, "SELECT count(*) FROM starts").await, 5);
    configure(&store, |_| {}).await;
    assert_eq!(count(&file, "SELECT count(*) FROM starts").await, 0);
}

#[tokio::test]
async fn a_look_that_finds_nothing_to_do_writes_nothing() {
    let file = File::new();
    let store = file.open().await;
    configure(&store, |queue| queue.limits.concurrency = Some(1)).await;
    let incarnation = executor(&store).await;
    let before = store.commit_statistics();
    assert_eq!(
        dequeue(&store, Owner::new(incarnation, 1), 1).await,
        [""; 0]
    );
    let released = store.release_delayed(ReleaseDelayed::new("app", NOW)).await;
    assert_eq!(released.expect("releases").next, None);
    assert_eq!(store.commit_statistics(), before);
}

#[tokio::test]
async fn workflows_that_are_enqueued_together_share_a_commit() {
    let file = File::new();
    let store = file.open().await;
    let before = store.commit_statistics();
    let inserts = (0..200).map(|n| store.insert_workflow(enqueueing(format!("w-{n}"), |_| {})));
    for inserted in join_all(inserts).await {
        assert_eq!(inserted.expect("enqueues"), InsertOutcome::Inserted);
    }
    assert_eq!(store.commit_statistics().commits - before.commits, 1);
}

#[tokio::test]
async fn damaged_workflows_are_reported_left_and_hold_nobody_up() {
    for damage in [
        "timeout = -1",
        "priority = -5000000000",
        "debounce_key = 'half'",
        "owner_execution = 7",
        "attributes = '{'",
        "schedule = CAST(x'ff' AS TEXT)",
        "deduplication_id = CAST(x'ff' AS TEXT) || id",
    ] {
        let file = File::new();
        let store = file.open().await;
        configure(&store, |queue| queue.limits.concurrency = Some(2)).await;
        for n in 0..7 {
            enqueue(&store, &format!("w-{n}")).await;
        }
        file.execute(&format!(
            "UPDATE workflows SET {damage} WHERE id IN ('w-0', 'w-1', 'w-3')"
        ))
        .await;
        let owner = Owner::new(executor(&store).await, 1);
        let answer = dequeue_at(&store, owner, 3, NOW).await;
        assert_eq!(ids(&answer), ["w-2", "w-4"], "{damage}");
        let mut damaged: Vec<&str> = answer.damaged.iter().map(|one| &*one.workflow_id).collect();
        damaged.sort_unstable();
        assert_eq!(damaged, ["w-0", "w-1", "w-3"], "{damage}");
        assert!(!answer.more);
        let left = count(
            &file,
            "SELECT count(*) FROM workflows WHERE status = 'ENQUEUED'",
        )
        .await;
        assert_eq!(left, 5);
    }
}

#[tokio::test]
async fn a_damaged_history_keeps_its_workflow_in_the_queue_and_nobody_else() {
    let file = File::new();
    let store = file.open().await;
    let dead = executor(&store).await;
    for id in ["broken", "sound"] {
        enqueue(&store, id).await;
    }
    let former = Owner::new(dead, 1);
    assert_eq!(dequeue(&store, former, 2).await, ["broken", "sound"]);
    for id in ["broken", "sound"] {
        store
            .record_step(step(id, former, 0))
            .await
            .expect("records");
    }
    store.retire_executor(dead).await.expect("retires");
    file.execute("UPDATE steps SET failed = 7 WHERE workflow = 1")
        .await;
    let owner = Owner::new(executor(&store).await, 1);
    let answer = dequeue_at(&store, owner, 2, NOW).await;
    assert_eq!(ids(&answer), ["sound"]);
    assert_eq!(answer.taken[0].history.len(), 1);
    assert_eq!(answer.damaged[0].workflow_id, "broken");
    let found = store.get_workflow("broken", Payloads::Omit).await;
    let status = found.expect("reads").expect("is there").status;
    assert_eq!(status, WorkflowStatus::Enqueued);
}

#[tokio::test]
async fn a_queue_whose_configuration_is_damaged_is_reported_and_holds_up_no_other() {
    let file = File::new();
    let store = file.open().await;
    configure(&store, |queue| queue.limits.concurrency = Some(1)).await;
    enqueue(&store, "held").await;
    enqueue_so(&store, "free", |enqueue| enqueue.queue = "other".to_owned()).await;
    file.execute("UPDATE queues SET record = '{'").await;
    let owner = Owner::new(executor(&store).await, 1);
    let answer = dequeue_at(&store, owner, 5, NOW).await;
    assert_eq!(ids(&answer), ["free"]);
    assert!(answer.damaged[0].workflow_id.contains(QUEUE), "{answer:?}");
    assert_eq!(store.list_queues("app").await.expect("lists"), []);
    configure(&store, |_| {}).await;
    let owner = Owner::new(owner.incarnation, 2);
    assert_eq!(dequeue(&store, owner, 5).await, ["held"]);
}
