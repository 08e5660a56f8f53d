//! Acceptance into a queue.
use std::time::Duration;

use durable_api::{
    WorkflowStatus,
    store::{Debounce, FinishOutcome, InsertOutcome, InsertWorkflow, StepRecord},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, HOSTILE_TEXTS, NAME, accepted, at, cancelling, changed, success, taken,
    },
};

pub(crate) async fn an_enqueued_workflow_is_complete_and_has_no_owner(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["plain"]).await;
    let plain = a.get("plain").await;
    assert_eq!(plain.status, WorkflowStatus::Enqueued);
    assert_eq!((plain.owner, plain.executor_id), (None, None));
    assert_eq!((plain.started_at, plain.completed_at), (None, None));

    for (number, priority) in [i32::MIN, -1, 0, 7, i32::MAX].into_iter().enumerate() {
        let id = format!("w{number}");
        let mut request = a.enqueueing_so(&id, |enqueue| {
            enqueue.priority = priority;
            enqueue.deduplication_id = Some(id.clone());
            enqueue.partition_key = Some("partition".to_owned());
            enqueue.timeout = Some(Duration::from_millis(1_234));
        });
        request.schedule = Some("nightly".to_owned());
        request.deadline = Some(at(90_000));
        request.trace_context = Some("trace".to_owned());
        a.start_as(request.clone()).await;
        assert_eq!(a.get(&id).await, accepted(&request));
    }
}

pub(crate) async fn a_delayed_workflow_is_complete_and_has_no_owner(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let request = a.enqueueing_so("w", |enqueue| {
        enqueue.delayed_until = Some(at(5_000));
        enqueue.debounce = Some(Debounce::new("key", at(9_000)));
    });
    a.start_as(request.clone()).await;
    let record = a.get("w").await;
    assert_eq!(record.status, WorkflowStatus::Delayed);
    assert_eq!(record, accepted(&request));
}

pub(crate) async fn what_starts_at_once_has_a_schedule_and_no_queue(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.schedule = Some("nightly".to_owned());
    a.start_as(request.clone()).await;
    let record = a.get("w").await;
    assert_eq!(record.queue, None);
    assert_eq!(record, accepted(&request));
}

pub(crate) async fn whoever_is_not_registered_may_enqueue(bench: &Bench<'_, impl Backend>) {
    let client = Executor::unregistered(bench, "client").await;
    client.enqueue(&["w"]).await;
    let a = Executor::launch(bench, "a").await;
    a.take("w").await;
}

pub(crate) async fn an_id_that_waits_is_answered_with_its_row(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w"]).await;
    let before = a.contents().await;
    let expected = a.get("w").await.without_payloads();
    let again = a.enqueueing_so("w", |enqueue| {
        enqueue.priority = 5;
        enqueue.partition_key = Some("other".to_owned());
        enqueue.delayed_until = Some(at(5_000));
    });
    assert_eq!(a.insert(again).await, InsertOutcome::Existing(expected));
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn an_id_that_was_taken_is_answered_with_its_row(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w"]).await;
    let owner = a.take("w").await;
    for end in [false, true] {
        if end {
            let answer = a.finish("w", owner, success("done")).await;
            assert_eq!(answer, FinishOutcome::Finished);
        }
        let before = a.contents().await;
        let expected = a.get("w").await.without_payloads();
        let answer = a.insert(a.enqueueing("w")).await;
        assert_eq!(answer, InsertOutcome::Existing(expected));
        assert_eq!(a.contents().await, before);
    }
}

pub(crate) async fn an_id_of_another_queue_is_a_conflict(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w"]).await;
    let expected = InsertOutcome::Conflict(a.get("w").await.without_payloads());
    let other = a.enqueueing_so("w", |enqueue| enqueue.queue = "other".to_owned());
    conflicts(&a, other, &expected).await;
    let mut other = a.enqueueing("w");
    other.name = "refund".to_owned();
    conflicts(&a, other, &expected).await;
    let mut other = a.enqueueing("w");
    other.app = "warehouse".to_owned();
    conflicts(&a, other, &expected).await;
}

pub(crate) async fn an_id_with_a_queue_and_one_without_are_a_conflict(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["queued"]).await;
    let expected = InsertOutcome::Conflict(a.get("queued").await.without_payloads());
    conflicts(&a, a.insertion("queued"), &expected).await;
    a.start("direct").await;
    let expected = InsertOutcome::Conflict(a.get("direct").await.without_payloads());
    conflicts(&a, a.enqueueing("direct"), &expected).await;
}

pub(crate) async fn a_conflict_of_queues_leaves_no_checkpoint(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.enqueue(&["child"]).await;
    let expected = InsertOutcome::Conflict(a.get("child").await.without_payloads());
    let mut request = a.child_insertion("child", "parent", owner, 0);
    request.enqueue = None;
    conflicts(&a, request, &expected).await;
    assert_eq!(a.steps("parent").await, []);
}

pub(crate) async fn a_child_waits_in_a_queue_and_its_parent_knows_it(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let mut request = a.child_insertion("child", "parent", owner, 3);
    request.enqueue = a.enqueueing("child").enqueue;
    a.start_as(request.clone()).await;
    assert_eq!(a.get("child").await, accepted(&request));
    let expected = [StepRecord::child(3, NAME, "child", request.now)];
    assert_eq!(a.steps("parent").await, expected);
    a.take("child").await;
}

pub(crate) async fn the_parent_is_judged_before_the_queue(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let child = |id: &str, step_id| {
        let mut request = a.child_insertion(id, "parent", owner, step_id);
        request.enqueue = a
            .enqueueing_so(id, |enqueue| {
                enqueue.deduplication_id = Some("one".to_owned());
            })
            .enqueue;
        request
    };
    a.start_as(child("first", 0)).await;
    let before = a.contents().await;
    let mut other = child("second", 0);
    other.enqueue.as_mut().expect("is enqueued").queue = "other".to_owned();
    let step = StepRecord::child(0, NAME, "first", other.now);
    assert_eq!(a.insert(other).await, InsertOutcome::StepTaken(step));
    assert_eq!(a.contents().await, before);
    assert_eq!(
        a.cancel(cancelling(&["parent"])).await,
        changed(&["parent"])
    );
    let before = a.contents().await;
    let answer = a.insert(child("third", 1)).await;
    assert_eq!(answer, InsertOutcome::ParentNotOwner);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_queue_needs_no_configuration(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let ids: Vec<String> = (0..50).map(|number| format!("w{number:02}")).collect();
    for id in &ids {
        a.enqueue(&[id]).await;
    }
    assert_eq!(a.queues().await, []);
    assert_eq!(a.dequeue().await, ids);
}

pub(crate) async fn every_text_is_a_queue_a_partition_and_a_schedule(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut requests = Vec::new();
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        let mut request = a.enqueueing_so(&format!("w{number}"), |enqueue| {
            enqueue.queue = (*hostile).to_owned();
            enqueue.partition_key = Some((*hostile).to_owned());
            enqueue.deduplication_id = Some((*hostile).to_owned());
        });
        request.schedule = Some((*hostile).to_owned());
        a.start_as(request.clone()).await;
        assert_eq!(a.get(&request.id).await, accepted(&request));
        requests.push(request);
    }
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        let mut request = a.dequeuing();
        request.queues = Some(vec![(*hostile).to_owned()]);
        let answer = a.dequeue_as(request).await;
        assert_eq!(taken(&answer), [format!("w{number}")], "{hostile:?}");
    }
}

pub(crate) async fn nul_in_the_name_of_a_queue_is_refused_or_kept_and_never_cut(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let with_nul = Some("nul\0nul".to_owned());
    for (number, field) in [
        "queue",
        "partition",
        "deduplication",
        "debounce",
        "schedule",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("w{number}");
        let mut request = a.enqueueing_so(&id, |enqueue| match field {
            "queue" => enqueue.queue = "nul\0nul".to_owned(),
            "partition" => enqueue.partition_key.clone_from(&with_nul),
            "deduplication" => enqueue.deduplication_id.clone_from(&with_nul),
            "debounce" => enqueue.debounce = Some(Debounce::new("nul\0nul", at(9_000))),
            _ => {}
        });
        if field == "schedule" {
            request.schedule.clone_from(&with_nul);
        }
        match a.store.insert_workflow(request.clone()).await {
            Ok(_) => assert_eq!(a.get(&id).await, accepted(&request), "{field}"),
            Err(_) => assert_eq!(a.find(&id).await, None, "{field}"),
        }
    }
}

async fn conflicts(a: &Executor, request: InsertWorkflow, expected: &InsertOutcome) {
    let before = a.contents().await;
    assert_eq!(a.insert(request).await, *expected);
    assert_eq!(a.contents().await, before);
}
