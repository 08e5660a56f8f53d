//! Who takes what from a queue, and what comes with it.
use std::time::Duration;

use durable_api::{
    Timestamp, WorkflowStatus,
    store::{
        ClaimableWorkflow, DequeueWorkflows, DequeuedWorkflows, EventLookup, SendOutcome,
        StepRecord, StreamState,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, HOSTILE_TEXTS, NAME, QUEUE, STREAM, accepted, at, cancelling, changed, expiring,
        forking, is_fenced_out, message, step, success, taken, text,
    },
};

pub(crate) async fn what_is_taken_is_pending_and_owned_by_the_caller(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut inserted = a.enqueueing_so("w", |enqueue| {
        enqueue.priority = 3;
        enqueue.partition_key = Some("partition".to_owned());
        enqueue.deduplication_id = Some("one".to_owned());
    });
    inserted.schedule = Some("nightly".to_owned());
    a.start_as(inserted.clone()).await;
    let request = a.dequeuing();
    let answer = a.dequeue_as(request.clone()).await;
    let mut expected = accepted(&inserted);
    expected.status = WorkflowStatus::Pending;
    expected.owner = Some(request.owner);
    expected.executor_id = Some("a".to_owned());
    expected.started_at = Some(request.now);
    expected.updated_at = request.now;
    assert_eq!(answer.taken.len(), 1);
    assert_eq!(answer.taken[0].record, expected, "with its input");
    assert_eq!(answer.taken[0].history, []);
    assert!(!answer.more);
    assert_eq!(answer.retry_at, None);
    assert_eq!(a.get("w").await, expected);
    a.record("w", request.owner, step(0, "done")).await;
    a.finish("w", request.owner, success("done")).await;
    assert_eq!(a.get("w").await.status, WorkflowStatus::Success);
}

pub(crate) async fn what_was_taken_is_not_taken_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w"]).await;
    a.take("w").await;
    takes_nothing(&b, b.dequeuing()).await;
    takes_nothing(&a, a.dequeuing()).await;
}

pub(crate) async fn what_does_not_wait_is_not_taken(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("direct").await;
    a.delay("delayed", 5_000).await;
    a.enqueue(&["cancelled", "finished"]).await;
    let answer = a.cancel(cancelling(&["cancelled"])).await;
    assert_eq!(answer, changed(&["cancelled"]));
    let owner = a.take("finished").await;
    a.finish("finished", owner, success("done")).await;
    // A delay that is over is one until the workflow is released.
    takes_nothing(&a, a.dequeuing_at(9_000)).await;
}

pub(crate) async fn an_executor_that_is_not_registered_takes_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w"]).await;
    let never = Executor::unregistered(bench, "never").await;
    takes_nothing(&never, never.dequeuing()).await;
    let expelled = Executor::launch(bench, "expelled").await;
    a.expel(&expelled).await;
    takes_nothing(&expelled, expelled.dequeuing()).await;
    let retired = Executor::launch(bench, "retired").await;
    retired.retire().await;
    takes_nothing(&retired, retired.dequeuing()).await;
    let superseded = Executor::launch(bench, "superseded").await;
    superseded.relaunch().await;
    takes_nothing(&superseded, superseded.dequeuing()).await;
    let robbed = Executor::launch(bench, "robbed").await;
    let request = robbed.dequeuing();
    assert_eq!(taken(&robbed.dequeue_as(request.clone()).await), ["w"]);
    a.expel(&robbed).await;
    takes_nothing(&robbed, request).await;
    assert_eq!(a.claim_as(a.claiming()).await.requeued, ["w"]);
    a.take("w").await;
}

pub(crate) async fn two_applications_do_not_see_each_others_queues(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut other = a.enqueueing("other");
    other.app = "warehouse".to_owned();
    a.start_as(other).await;
    takes_nothing(&a, a.dequeuing()).await;
    a.enqueue(&["own"]).await;
    assert_eq!(a.dequeue().await, ["own"]);
    let mut request = a.dequeuing();
    request.app = "warehouse".to_owned();
    assert_eq!(taken(&a.dequeue_as(request).await), ["other"]);
}

pub(crate) async fn another_version_is_not_taken(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut other = a.enqueueing("w");
    other.version = Some("v2".to_owned());
    a.start_as(other).await;
    let mut request = a.dequeuing();
    request.unversioned = true;
    takes_nothing(&a, request).await;
    let mut request = a.dequeuing();
    request.version = "v2".to_owned();
    assert_eq!(taken(&a.dequeue_as(request).await), ["w"]);
}

pub(crate) async fn unversioned_work_is_taken_only_if_asked_for(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut unversioned = a.enqueueing("unversioned");
    unversioned.version = None;
    a.start_as(unversioned).await;
    a.enqueue(&["versioned"]).await;
    assert_eq!(a.dequeue().await, ["versioned"]);
    a.enqueue(&["another"]).await;
    let mut request = a.dequeuing();
    request.unversioned = true;
    let answer = a.dequeue_as(request).await;
    assert_eq!(taken(&answer), ["unversioned", "another"]);
    assert_eq!(
        answer.taken[0].record.version, None,
        "and stays unversioned"
    );
}

pub(crate) async fn another_name_is_not_taken(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for name in ["refund", "shipment", "Checkout"] {
        let mut request = a.enqueueing(name);
        request.name = name.to_owned();
        a.start_as(request).await;
    }
    takes_nothing(&a, a.dequeuing()).await;
    let mut request = a.dequeuing();
    request.workflows = Vec::new();
    takes_nothing(&a, request).await;
    let mut request = a.dequeuing();
    request.workflows = ["refund", "shipment", NAME]
        .map(|name| ClaimableWorkflow::new(name, 100))
        .to_vec();
    assert_eq!(taken(&a.dequeue_as(request).await), ["refund", "shipment"]);
}

pub(crate) async fn what_the_caller_cannot_run_holds_nobody_up(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    // Many of them, so that they are at the head of whatever is looked at.
    for number in 0..150 {
        let mut request = a.enqueueing_so(&format!("foreign {number}"), |enqueue| {
            enqueue.priority = -1;
        });
        match number % 3 {
            0 => request.name = "refund".to_owned(),
            1 => request.version = Some("v2".to_owned()),
            _ => request.version = None,
        }
        a.start_as(request).await;
    }
    a.enqueue(&["own 1", "own 2"]).await;
    a.take("own 1").await;
    assert_eq!(a.dequeue().await, ["own 2"]);
    takes_nothing(&a, a.dequeuing()).await;
}

pub(crate) async fn only_the_queues_that_are_asked_for_are_served(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for queue in ["red", "green", "blue", "Red"] {
        a.enqueue_so(&format!("of {queue}"), |enqueue| {
            enqueue.queue = queue.to_owned();
        })
        .await;
    }
    let from = |queues: &[&str]| {
        let mut request = a.dequeuing();
        request.queues = Some(queues.iter().map(|name| (*name).to_owned()).collect());
        request
    };
    takes_nothing(&a, from(&[])).await;
    takes_nothing(&a, from(&["nowhere", "RED"])).await;
    let answer = a.dequeue_as(from(&["red", "blue", "nowhere"])).await;
    let mut ids = taken(&answer);
    ids.sort_unstable();
    assert_eq!(ids, ["of blue", "of red"]);
    let mut ids = a.dequeue().await;
    ids.sort_unstable();
    assert_eq!(ids, ["of Red", "of green"]);
}

pub(crate) async fn a_dequeue_takes_no_more_than_its_limit_and_says_so(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    let answer = a.dequeue_as(a.dequeuing_up_to(3)).await;
    assert_eq!(taken(&answer), ["w0", "w1", "w2"]);
    assert!(answer.more);
    let answer = a.dequeue_as(a.dequeuing_up_to(3)).await;
    assert_eq!(taken(&answer), ["w3", "w4"]);
    assert!(!answer.more);
    let answer = a.dequeue_as(a.dequeuing_up_to(3)).await;
    assert_eq!(taken(&answer), Vec::<&str>::new());
    assert!(!answer.more);
}

pub(crate) async fn a_limit_counts_over_all_queues(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for queue in ["red", "green", "blue"] {
        for number in 0..2 {
            a.enqueue_so(&format!("{queue} {number}"), |enqueue| {
                enqueue.queue = queue.to_owned();
            })
            .await;
        }
    }
    let answer = a.dequeue_as(a.dequeuing_up_to(5)).await;
    assert_eq!(answer.taken.len(), 5);
    assert!(answer.more);
    assert_eq!(a.dequeue().await.len(), 1);
}

pub(crate) async fn a_deadline_counts_from_when_it_is_first_taken(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue_so("w", |enqueue| {
        enqueue.timeout = Some(Duration::from_millis(250));
    })
    .await;
    assert_eq!(a.get("w").await.deadline, None, "it does not run yet");
    assert_eq!(
        a.cancel_expired(expiring(900_000)).await,
        Vec::<String>::new()
    );
    assert_eq!(a.dequeue_at(1_000).await, ["w"]);
    let record = a.get("w").await;
    assert_eq!(record.deadline, Some(at(1_250)));
    assert_eq!(record.timeout, Some(Duration::from_millis(250)));
    assert_eq!(
        a.cancel_expired(expiring(1_249)).await,
        Vec::<String>::new()
    );
    assert_eq!(a.cancel_expired(expiring(1_250)).await, ["w"]);
}

pub(crate) async fn a_deadline_stays_when_it_is_taken_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue_so("w", |enqueue| {
        enqueue.timeout = Some(Duration::from_millis(250));
    })
    .await;
    assert_eq!(a.dequeue_at(1_000).await, ["w"]);
    a.retire().await;
    assert_eq!(b.dequeue_at(1_100).await, ["w"]);
    let record = b.get("w").await;
    assert_eq!(record.deadline, Some(at(1_250)));
    assert_eq!(record.started_at, Some(at(1_100)), "when it was last taken");
}

pub(crate) async fn of_deadline_and_timeout_the_earlier_counts(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, deadline) in [("earlier", 1_200), ("later", 1_300)] {
        let mut request = a.enqueueing_so(id, |enqueue| {
            enqueue.timeout = Some(Duration::from_millis(250));
        });
        request.deadline = Some(at(deadline));
        a.start_as(request).await;
    }
    let taken = a.dequeue_as(a.dequeuing_at(1_000)).await.taken;
    let deadlines = taken.iter().map(|one| one.record.deadline);
    let deadlines: Vec<_> = deadlines.collect();
    assert_eq!(deadlines, [Some(at(1_200)), Some(at(1_250))]);
    for one in taken {
        assert_eq!(a.get(&one.record.id).await.deadline, one.record.deadline);
    }
}

pub(crate) async fn a_timeout_without_end_is_no_trouble(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue_so("w", |enqueue| {
        enqueue.timeout = Some(Duration::from_millis(i64::MAX.unsigned_abs()));
    })
    .await;
    a.take("w").await;
    let expected = Some(Timestamp::from_millis(i64::MAX));
    assert_eq!(a.get("w").await.deadline, expected);
    assert_eq!(
        a.cancel_expired(expiring(5_000)).await,
        Vec::<String>::new()
    );
}

pub(crate) async fn a_deadline_of_the_request_stays_without_a_timeout(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.enqueueing("w");
    request.deadline = Some(at(7_000));
    a.start_as(request).await;
    a.take("w").await;
    assert_eq!(a.get("w").await.deadline, Some(at(7_000)));
}

pub(crate) async fn what_is_taken_again_comes_with_its_history(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w", "fresh"]).await;
    let owner = a.take("w").await;
    a.record("w", owner, step(2, "done")).await;
    a.record("w", owner, step(0, "done")).await;
    a.start_as(a.child_insertion("child", "w", owner, 1)).await;
    a.finish(
        "child",
        a.get("child").await.owner.expect("has one"),
        success("done"),
    )
    .await;
    a.retire().await;
    let answer = b.dequeue_as(b.dequeuing()).await;
    assert_eq!(taken(&answer), ["w", "fresh"]);
    let expected = [
        step(0, "done"),
        StepRecord::child(1, NAME, "child", at(1)),
        step(2, "done"),
    ];
    assert_eq!(answer.taken[0].history, expected);
    assert_eq!(answer.taken[1].history, []);
    is_fenced_out(&b, "w", owner).await;
}

pub(crate) async fn a_fork_comes_with_its_history(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("source").await;
    a.record("source", owner, step(0, "done")).await;
    let mut request = forking("source", "fork", 1);
    request.queue = Some(QUEUE.to_owned());
    a.fork(request).await;
    let answer = a.dequeue_as(a.dequeuing()).await;
    assert_eq!(taken(&answer), ["fork"]);
    assert_eq!(answer.taken[0].history, [step(0, "done")]);
}

pub(crate) async fn what_waits_takes_messages_and_shows_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w"]).await;
    let answer = a.send(message("w", "topic", "m")).await;
    assert_eq!(answer, SendOutcome::Sent);
    assert_eq!(a.event("w", "key").await, EventLookup::Absent);
    let page = a.read("w", STREAM).await;
    assert_eq!((page.values, page.state), (vec![], StreamState::Open));
    is_fenced_out(&a, "w", a.owner()).await;
    let owner = a.take("w").await;
    assert_eq!(a.drain("w", owner, 0, "topic").await, [text("m")]);
}

pub(crate) async fn every_text_is_a_name_and_a_version_that_can_be_taken(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        let mut request = a.enqueueing(&format!("w{number}"));
        request.name = (*hostile).to_owned();
        request.version = Some((*hostile).to_owned());
        a.start_as(request).await;
    }
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        let mut request = a.dequeuing();
        request.version = (*hostile).to_owned();
        request.workflows = vec![ClaimableWorkflow::new(*hostile, 100)];
        let answer = a.dequeue_as(request).await;
        assert_eq!(taken(&answer), [format!("w{number}")], "{hostile:?}");
    }
}

/// A dequeue is empty, and changes nothing.
async fn takes_nothing(executor: &Executor, request: DequeueWorkflows) {
    let before = executor.contents().await;
    let answer = executor.dequeue_as(request).await;
    assert_eq!(answer, DequeuedWorkflows::new());
    assert_eq!(executor.contents().await, before);
}
