//! Back into the queue.
use std::time::Duration;

use durable_api::{
    WorkflowStatus,
    store::{ClaimableWorkflow, ForkOutcome, Owner, RecordOutcome, WorkflowRecord},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, QUEUE, at, cancelling, changed, deleting, forking, is_fenced_out, json, queue,
        resuming, step, success, taken,
    },
};

pub(crate) async fn a_retirement_puts_back_at_no_attempts_cost(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = takes_rich(&a, "w").await;
    let direct = a.start("direct").await;
    let mut expected = a.get("w").await;
    assert_eq!(a.retire().await, 2);
    expected.status = WorkflowStatus::Enqueued;
    expected.owner = None;
    let record = b.get("w").await;
    expected.updated_at = record.updated_at;
    assert_eq!(record, expected);
    assert_eq!(b.get("direct").await.status, WorkflowStatus::Pending);
    is_fenced_out(&b, "w", owner).await;
    is_fenced_out(&b, "direct", direct).await;
    assert_eq!(
        b.claim().await,
        ["direct"],
        "what came from a queue is the queue's"
    );
    let owner = b.take("w").await;
    let record = b.get("w").await;
    assert_eq!(record.recovery_attempts, 0);
    assert_eq!(record.owner, Some(owner));
    assert_eq!(record.executor_id.as_deref(), Some("b"));
}

pub(crate) async fn what_was_lost_goes_back_and_costs_an_attempt(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = takes_rich(&a, "w").await;
    a.start("direct").await;
    let mut expected = a.get("w").await;
    b.expel(&a).await;
    let request = b.claiming();
    let answer = b.claim_as(request.clone()).await;
    assert_eq!(answer.requeued, ["w"]);
    assert_eq!(answer.claimed.len(), 1);
    assert_eq!(answer.claimed[0].record.id, "direct");
    assert_eq!(answer.dead_lettered, Vec::<String>::new());
    expected.status = WorkflowStatus::Enqueued;
    expected.owner = None;
    expected.recovery_attempts = 1;
    expected.updated_at = request.now;
    assert_eq!(b.get("w").await, expected);
    assert_eq!(b.claim().await, Vec::<String>::new());
    is_fenced_out(&b, "w", owner).await;
    let next = b.take("w").await;
    assert_eq!(b.get("w").await.recovery_attempts, 1);
    is_fenced_out(&b, "w", owner).await;
    let answer = b.record("w", next, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
}

pub(crate) async fn an_expulsion_alone_leaves_it_with_its_owner(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w"]).await;
    let owner = a.take("w").await;
    b.expel(&a).await;
    assert_eq!(b.dequeue().await, Vec::<String>::new());
    let answer = a.record("w", owner, step(0, "late")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
    assert_eq!(b.claim_as(b.claiming()).await.requeued, ["w"]);
    let answer = b.dequeue_as(b.dequeuing()).await;
    assert_eq!(answer.taken[0].history, [step(0, "late")]);
}

pub(crate) async fn what_goes_back_keeps_its_place(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    a.take("w0").await;
    b.take("w1").await;
    a.take("w2").await;
    a.retire().await;
    c.expel(&b).await;
    assert_eq!(c.claim_as(c.claiming()).await.requeued, ["w1"]);
    assert_eq!(c.dequeue().await, ["w0", "w1", "w2", "w3", "w4"]);
}

pub(crate) async fn what_was_lost_too_often_does_not_go_back(bench: &Bench<'_, impl Backend>) {
    let mut last = Executor::launch(bench, "life 0").await;
    last.enqueue(&["w"]).await;
    for attempt in 1..=3 {
        last.take("w").await;
        let next = Executor::launch(bench, &format!("life {attempt}")).await;
        next.expel(&last).await;
        let answer = next.claim_as(next.claiming_up_to(2)).await;
        let record = next.get("w").await;
        if attempt <= 2 {
            assert_eq!(answer.requeued, ["w"]);
            assert_eq!(record.recovery_attempts, attempt);
        } else {
            assert_eq!(answer.dead_lettered, ["w"]);
            assert_eq!(answer.requeued, Vec::<String>::new());
            assert_eq!(record.status, WorkflowStatus::MaxRecoveryAttemptsExceeded);
            assert_eq!(record.completed_at, Some(at(1_000)));
            assert_eq!(record.queue.as_deref(), Some(QUEUE));
        }
        last = next;
    }
    assert_eq!(last.dequeue().await, Vec::<String>::new());
}

pub(crate) async fn what_the_claimant_has_not_registered_does_not_go_back(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let mut refund = a.enqueueing("w");
    refund.name = "refund".to_owned();
    a.start_as(refund).await;
    let mut request = a.dequeuing();
    request.workflows = vec![ClaimableWorkflow::new("refund", 100)];
    assert_eq!(taken(&a.dequeue_as(request).await), ["w"]);
    b.expel(&a).await;
    let before = b.contents().await;
    let mut older = b.claiming();
    older.version = "v0".to_owned();
    for request in [b.claiming(), older] {
        assert_eq!(b.claim_as(request).await.requeued, Vec::<String>::new());
    }
    assert_eq!(b.contents().await, before);
    let mut request = b.claiming();
    request.workflows = vec![ClaimableWorkflow::new("refund", 100)];
    assert_eq!(b.claim_as(request).await.requeued, ["w"]);
}

pub(crate) async fn a_claimant_that_is_not_registered_puts_nothing_back(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w"]).await;
    a.take("w").await;
    b.expel(&a).await;
    let never = Executor::unregistered(bench, "never").await;
    let before = b.contents().await;
    never.claim_as(never.claiming()).await;
    assert_eq!(b.contents().await, before);
}

pub(crate) async fn many_go_back_in_batches(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for number in 0..7 {
        a.enqueue(&[&format!("w{number}")]).await;
    }
    assert_eq!(a.dequeue().await.len(), 7);
    b.expel(&a).await;
    let mut requeued = Vec::new();
    loop {
        let mut request = b.claiming();
        request.limit = 3;
        let answer = b.claim_as(request).await;
        assert!(answer.requeued.len() <= 3, "no more than was asked for");
        requeued.extend(answer.requeued);
        if !answer.more {
            break;
        }
    }
    requeued.sort_unstable();
    let expected: Vec<String> = (0..7).map(|number| format!("w{number}")).collect();
    assert_eq!(requeued, expected);
    assert_eq!(b.dequeue().await, expected);
}

pub(crate) async fn what_goes_back_is_taken_as_its_limits_allow(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w0", "w1", "w2"]).await;
    assert_eq!(a.dequeue().await.len(), 3);
    a.put_queue(queue(|record| record.limits.concurrency = Some(1)))
        .await;
    a.retire().await;
    assert_eq!(b.dequeue().await, ["w0"]);
}

pub(crate) async fn what_is_resumed_waits_in_its_queue(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = takes_rich(&a, "w").await;
    a.record("w", owner, step(0, "done")).await;
    a.enqueue_so("later", |enqueue| {
        enqueue.priority = 4;
        enqueue.partition_key = Some("partition".to_owned());
    })
    .await;
    let mut expected = a.get("w").await;
    assert!(expected.deadline.is_some() && expected.timeout.is_some());
    a.cancel(cancelling(&["w"])).await;
    assert_eq!(a.resume(resuming(&["w"])).await, changed(&["w"]));
    expected.status = WorkflowStatus::Enqueued;
    expected.owner = None;
    expected.deadline = None;
    expected.timeout = None;
    expected.updated_at = at(3_000);
    assert_eq!(a.get("w").await, expected);
    is_fenced_out(&a, "w", owner).await;
    assert_eq!(
        a.claim().await,
        Vec::<String>::new(),
        "its turn is the queue's to judge"
    );
    let answer = a.dequeue_as(a.dequeuing()).await;
    assert_eq!(taken(&answer), ["w", "later"], "in its old place");
    assert_eq!(answer.taken[0].history, [step(0, "done")]);
    assert_eq!(a.get("w").await.deadline, None);
}

pub(crate) async fn a_dead_letter_from_a_queue_is_resumed_there(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w"]).await;
    a.take("w").await;
    b.expel(&a).await;
    let answer = b.claim_as(b.claiming_up_to(0)).await;
    assert_eq!(answer.dead_lettered, ["w"]);
    assert_eq!(b.resume(resuming(&["w"])).await, changed(&["w"]));
    let record = b.get("w").await;
    assert_eq!(record.status, WorkflowStatus::Enqueued);
    assert_eq!((record.recovery_attempts, record.completed_at), (0, None));
    b.take("w").await;
}

pub(crate) async fn what_waits_is_not_resumed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["enqueued"]).await;
    a.delay("delayed", 5_000).await;
    let before = a.contents().await;
    let mut request = resuming(&["enqueued", "delayed"]);
    request.queue = Some("other".to_owned());
    let answer = a.resume(request).await;
    let expected = [
        ("delayed".to_owned(), WorkflowStatus::Delayed),
        ("enqueued".to_owned(), WorkflowStatus::Enqueued),
    ];
    assert_eq!(answer.unchanged, expected);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_resumption_may_name_another_queue(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["queued"]).await;
    a.start("direct").await;
    a.cancel(cancelling(&["queued", "direct"])).await;
    let mut request = resuming(&["queued", "direct"]);
    request.queue = Some("other".to_owned());
    assert_eq!(a.resume(request).await, changed(&["direct", "queued"]));
    for id in ["queued", "direct"] {
        let record = a.get(id).await;
        assert_eq!(record.status, WorkflowStatus::Enqueued);
        assert_eq!(record.queue.as_deref(), Some("other"));
        assert_eq!((record.owner, record.completed_at), (None, None));
    }
    assert_eq!(a.claim().await, Vec::<String>::new());
    let mut request = a.dequeuing();
    request.queues = Some(vec!["other".to_owned()]);
    let answer = a.dequeue_as(request).await;
    let mut ids = taken(&answer);
    ids.sort_unstable();
    assert_eq!(ids, ["direct", "queued"]);
}

pub(crate) async fn what_was_delayed_is_enqueued_when_it_is_resumed(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.delay("w", 900_000).await;
    a.cancel(cancelling(&["w"])).await;
    assert_eq!(a.resume(resuming(&["w"])).await, changed(&["w"]));
    assert_eq!(a.get("w").await.status, WorkflowStatus::Enqueued);
    a.take("w").await;
}

pub(crate) async fn a_fork_waits_in_the_queue_that_is_named(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = takes_rich(&a, "source").await;
    a.record("source", owner, step(0, "done")).await;
    let source = a.get("source").await;
    let mut request = forking("source", "queued", 1);
    request.queue = Some("other".to_owned());
    let answers = a
        .fork_all(vec![request, forking("source", "direct", 1)])
        .await;
    assert_eq!(answers, [ForkOutcome::Forked, ForkOutcome::Forked]);
    let mut expected = forked(&source, "queued");
    expected.status = WorkflowStatus::Enqueued;
    expected.queue = Some("other".to_owned());
    assert_eq!(a.get("queued").await, expected);
    assert_eq!(a.get("direct").await, forked(&source, "direct"));
    assert_eq!(a.get("source").await, source);
    assert_eq!(a.claim().await, ["direct"]);
    let answer = a.dequeue_as(a.dequeuing()).await;
    assert_eq!(taken(&answer), ["queued"]);
    assert_eq!(answer.taken[0].history, [step(0, "done")]);
}

pub(crate) async fn what_waits_has_forks(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["enqueued"]).await;
    a.delay("delayed", 5_000).await;
    for source in ["enqueued", "delayed"] {
        let id = format!("fork of {source}");
        assert_eq!(a.fork(forking(source, &id, 0)).await, ForkOutcome::Forked);
        let record = a.get(source).await;
        assert_eq!(a.get(&id).await, forked(&record, &id));
    }
}

pub(crate) async fn what_waits_is_cancelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    for (step_id, id, until) in [(0, "enqueued", None), (1, "delayed", Some(at(5_000)))] {
        let mut request = a.child_insertion(id, "parent", owner, step_id);
        request.enqueue = a
            .enqueueing_so(id, |enqueue| enqueue.delayed_until = until)
            .enqueue;
        a.start_as(request).await;
    }
    let mut expected = Vec::new();
    for id in ["delayed", "enqueued"] {
        let mut record = a.get(id).await;
        record.status = WorkflowStatus::Cancelled;
        record.updated_at = at(2_000);
        record.completed_at = Some(at(2_000));
        expected.push(record);
    }
    let mut request = cancelling(&["parent"]);
    request.children = true;
    let answer = a.cancel(request).await;
    assert_eq!(answer, changed(&["delayed", "enqueued", "parent"]));
    for record in expected {
        assert_eq!(a.get(&record.id).await, record);
    }
    assert_eq!(a.release(9_000).await, (0, None));
    assert_eq!(a.dequeue().await, Vec::<String>::new());
}

pub(crate) async fn an_id_that_was_deleted_waits_anew(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue_so("w", |enqueue| {
        enqueue.priority = 9;
        enqueue.deduplication_id = Some("one".to_owned());
    })
    .await;
    a.delay("delayed", 5_000).await;
    a.delete(deleting(&["w", "delayed"])).await;
    assert_eq!(a.release(9_000).await, (0, None));
    a.enqueue(&["first", "w", "delayed"]).await;
    let record = a.get("w").await;
    assert_eq!((record.priority, record.deduplication_id), (0, None));
    assert_eq!(a.dequeue().await, ["first", "w", "delayed"]);
}

pub(crate) async fn what_ended_keeps_its_queue(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = takes_rich(&a, "w").await;
    let mut expected = a.get("w").await;
    a.finish("w", owner, success("done")).await;
    expected.status = WorkflowStatus::Success;
    expected.outcome = Some(success("done"));
    expected.updated_at = at(500);
    expected.completed_at = Some(at(500));
    assert_eq!(a.get("w").await, expected);
}

/// Lets a workflow wait that has everything, and takes it.
async fn takes_rich(a: &Executor, id: &str) -> Owner {
    let mut request = a.enqueueing_so(id, |enqueue| {
        enqueue.priority = 4;
        enqueue.partition_key = Some("partition".to_owned());
        enqueue.deduplication_id = Some("one".to_owned());
        enqueue.timeout = Some(Duration::from_millis(60_000));
    });
    request.schedule = Some("nightly".to_owned());
    request.attributes = json(r#"{"tier": "gold"}"#);
    request.caller.user = Some("ada".to_owned());
    a.start_as(request).await;
    a.take(id).await
}

/// What is stored of a fork that was not taken up yet, and waits in no queue.
fn forked(source: &WorkflowRecord, id: &str) -> WorkflowRecord {
    let mut record = WorkflowRecord::new(
        id,
        &source.app,
        &source.name,
        WorkflowStatus::Pending,
        at(4_000),
    );
    record.version.clone_from(&source.version);
    record.forked_from = Some(source.id.clone());
    record.caller = source.caller.clone();
    record.attributes = source.attributes.clone();
    record.input.clone_from(&source.input);
    record
}
