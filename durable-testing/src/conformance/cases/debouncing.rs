//! Pushing a delayed start back.
use durable_api::{
    WorkflowStatus,
    store::{Debounce, InsertOutcome, InsertWorkflow, StepRecord, WorkflowFilter},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, HOSTILE_TEXTS, NAME, accepted, at, cancelling, deleting, text,
    },
};

pub(crate) async fn the_last_input_wins_and_its_delay(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let client = Executor::unregistered(bench, "client").await;
    let first = push(&a, "first", "key", 1_000);
    a.start_as(first.clone()).await;
    let mut expected = accepted(&first);
    for (number, until) in [2_000, 3_000, 2_500].into_iter().enumerate() {
        let id = format!("push {number}");
        let mut request = push(&client, &id, "key", until);
        request.now = at(100 + until);
        // Nothing but input and delay counts of a push.
        let enqueue = request.enqueue.as_mut().expect("is enqueued");
        enqueue.priority = 5;
        enqueue.partition_key = Some("other".to_owned());
        request.version = Some("v2".to_owned());
        assert_eq!(client.insert(request.clone()).await, debounced("first"));
        assert_eq!(a.find(&id).await, None);
        expected.input = Some(request.input);
        expected.delayed_until = Some(at(until));
        expected.updated_at = request.now;
        assert_eq!(a.get("first").await, expected);
    }
    assert_eq!(a.release(2_499).await, (0, Some(at(2_500))));
    assert_eq!(a.release(2_500).await, (1, None));
    let answer = a.dequeue_as(a.dequeuing()).await;
    assert_eq!(answer.taken.len(), 1, "one start");
    assert_eq!(answer.taken[0].record.input, Some(text("push 2")));
}

pub(crate) async fn a_start_is_never_pushed_back_beyond_its_own_cap(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut first = push(&a, "first", "key", 1_000);
    cap(&mut first, 2_000);
    a.start_as(first).await;
    for (until, their_cap, expected) in [
        (1_999, 1_000, 1_999),
        (2_000, 9_000, 2_000),
        (2_001, 9_000, 2_000),
        (8_000, 9_000, 2_000),
        (1_500, 9_000, 1_500),
    ] {
        let mut request = push(&a, "push", "key", until);
        cap(&mut request, their_cap);
        assert_eq!(a.insert(request).await, debounced("first"));
        let record = a.get("first").await;
        assert_eq!(record.delayed_until, Some(at(expected)), "to {until}");
        assert_eq!(record.debounce, Some(Debounce::new("key", at(2_000))));
    }
}

pub(crate) async fn a_key_is_free_when_its_workflow_is_released(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(push(&a, "first", "key", 1_000)).await;
    a.release(1_000).await;
    let first = a.get("first").await;
    a.start_as(push(&a, "second", "key", 3_000)).await;
    assert_eq!(a.get("first").await, first);
    assert_eq!(a.get("second").await.status, WorkflowStatus::Delayed);
    assert_eq!(
        a.insert(push(&a, "third", "key", 4_000)).await,
        debounced("second")
    );
    a.release(4_000).await;
    assert_eq!(a.dequeue().await, ["first", "second"]);
    a.start_as(push(&a, "fourth", "key", 5_000)).await;
}

pub(crate) async fn a_key_is_free_when_its_workflow_is_cancelled_or_deleted(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(push(&a, "first", "key", 1_000)).await;
    a.cancel(cancelling(&["first"])).await;
    a.start_as(push(&a, "second", "key", 1_000)).await;
    a.delete(deleting(&["second"])).await;
    a.start_as(push(&a, "third", "key", 1_000)).await;
    assert_eq!(a.release(1_000).await, (1, None));
}

pub(crate) async fn a_key_is_of_one_name_and_one_application(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(push(&a, "first", "key", 1_000)).await;
    let mut other = push(&a, "other name", "key", 1_000);
    other.name = "refund".to_owned();
    a.start_as(other).await;
    let mut other = push(&a, "other application", "key", 1_000);
    other.app = "warehouse".to_owned();
    a.start_as(other).await;
    a.start_as(push(&a, "other key", "Key", 1_000)).await;
    a.delay("without key", 1_000).await;
    assert_eq!(
        a.insert(push(&a, "push", "key", 2_000)).await,
        debounced("first")
    );
    let mut request = push(&a, "push", "key", 2_000);
    request.enqueue.as_mut().expect("is enqueued").queue = "other".to_owned();
    assert_eq!(
        a.insert(request).await,
        debounced("first"),
        "in whichever queue"
    );
    assert_eq!(a.get("first").await.queue.as_deref(), Some("mail"));
}

pub(crate) async fn the_id_is_judged_before_the_key(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(push(&a, "first", "key", 1_000)).await;
    a.enqueue(&["other"]).await;
    let before = a.contents().await;
    for id in ["first", "other"] {
        let expected = a.get(id).await.without_payloads();
        let mut request = push(&a, id, "key", 2_000);
        request.input = text("late");
        let answer = a.insert(request).await;
        assert_eq!(answer, InsertOutcome::Existing(expected));
    }
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn the_key_is_judged_before_the_deduplication_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let both = |id: &str, key: &str, until| {
        let mut request = push(&a, id, key, until);
        let enqueue = request.enqueue.as_mut().expect("is enqueued");
        enqueue.deduplication_id = Some("one".to_owned());
        request
    };
    a.start_as(both("first", "key", 1_000)).await;
    a.start_as(push(&a, "other", "other key", 1_000)).await;
    assert_eq!(
        a.insert(both("push", "key", 2_000)).await,
        debounced("first")
    );
    assert_eq!(
        a.insert(both("push", "other key", 2_000)).await,
        debounced("other")
    );
    a.release(3_000).await;
    let answer = a.insert(both("push", "key", 4_000)).await;
    assert_eq!(answer, InsertOutcome::Deduplicated("first".to_owned()));
}

pub(crate) async fn a_parents_checkpoint_names_who_was_pushed_back(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let child = |id: &str, step_id, until| {
        let mut request = a.child_insertion(id, "parent", owner, step_id);
        request.enqueue = push(&a, id, "key", until).enqueue;
        request
    };
    a.start_as(child("first", 0, 1_000)).await;
    assert_eq!(
        a.insert(child("second", 1, 2_000)).await,
        debounced("first")
    );
    assert_eq!(a.find("second").await, None);
    let expected = [0, 1].map(|step_id| StepRecord::child(step_id, NAME, "first", at(1)));
    assert_eq!(a.steps("parent").await, expected);
}

pub(crate) async fn a_changed_delay_may_be_pushed_back_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(push(&a, "first", "key", 1_000)).await;
    a.set_delay("first", 7_000).await;
    assert_eq!(
        a.insert(push(&a, "push", "key", 2_000)).await,
        debounced("first")
    );
    assert_eq!(a.get("first").await.delayed_until, Some(at(2_000)));
}

pub(crate) async fn every_text_is_a_key(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        a.start_as(push(&a, &format!("w{number}"), hostile, 1_000))
            .await;
    }
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        let answer = a.insert(push(&a, "push", hostile, 2_000)).await;
        assert_eq!(answer, debounced(&format!("w{number}")), "{hostile:?}");
    }
    let all = a.list(WorkflowFilter::new()).await;
    assert_eq!(all.len(), HOSTILE_TEXTS.len());
}

/// A request whose input is its id, that may be pushed back by a key.
fn push(a: &Executor, id: &str, key: &str, until: i64) -> InsertWorkflow {
    let mut request = a.enqueueing_so(id, |enqueue| {
        enqueue.delayed_until = Some(at(until));
        enqueue.debounce = Some(Debounce::new(key, at(900_000)));
    });
    request.input = text(id);
    request
}

fn cap(request: &mut InsertWorkflow, millis: i64) {
    let enqueue = request.enqueue.as_mut().expect("is enqueued");
    let debounce = enqueue.debounce.as_mut().expect("may be pushed back");
    debounce.at_most_until = at(millis);
}

fn debounced(id: &str) -> InsertOutcome {
    InsertOutcome::Debounced(id.to_owned())
}
