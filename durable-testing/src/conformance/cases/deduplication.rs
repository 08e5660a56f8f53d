//! One of a kind in a queue.
use durable_api::{
    WorkflowStatus,
    store::{FinishOutcome, InsertOutcome, InsertWorkflow, StepRecord},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, HOSTILE_TEXTS, NAME, at, cancelling, changed, deleting, expiring, failure,
        resuming, success,
    },
};

pub(crate) async fn a_second_one_is_not_accepted_while_the_first_has_not_ended(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start_as(unique(&a, "delayed", "1", Some(5_000))).await;
    is_rejected(&a, "1", "delayed").await;
    a.release(5_000).await;
    is_rejected(&b, "1", "delayed").await;
    a.take("delayed").await;
    is_rejected(&a, "1", "delayed").await;
    a.retire().await;
    is_rejected(&b, "1", "delayed").await;
    b.take("delayed").await;
    let c = Executor::launch(bench, "c").await;
    c.expel(&b).await;
    is_rejected(&c, "1", "delayed").await;
    c.claim_as(c.claiming()).await;
    is_rejected(&c, "1", "delayed").await;
    // The name does not count, nor does what else differs.
    let mut other = unique(&c, "other", "1", Some(9_000));
    other.name = "refund".to_owned();
    other.version = None;
    assert_eq!(c.insert(other).await, deduplicated("delayed"));
}

pub(crate) async fn every_end_frees_the_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for (number, end) in [
        "success",
        "error",
        "cancelled",
        "cancelled waiting",
        "deleted",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("w{number}");
        a.start_as(unique(&a, &id, "1", None)).await;
        if end == "cancelled waiting" {
            assert_eq!(a.cancel(cancelling(&[&id])).await, changed(&[&id]));
            continue;
        }
        let owner = a.take(&id).await;
        match end {
            "success" => assert_eq!(
                a.finish(&id, owner, success("done")).await,
                FinishOutcome::Finished
            ),
            "error" => assert_eq!(
                a.finish(&id, owner, failure("broken")).await,
                FinishOutcome::Finished
            ),
            "cancelled" => assert_eq!(a.cancel(cancelling(&[&id])).await, changed(&[&id])),
            _ => assert_eq!(a.delete(deleting(&[&id])).await, changed(&[&id])),
        }
    }
    a.start_as(unique(&a, "lost", "1", None)).await;
    a.take("lost").await;
    b.expel(&a).await;
    let answer = b.claim_as(b.claiming_up_to(0)).await;
    assert_eq!(answer.dead_lettered, ["lost"]);
    b.start_as(unique(&b, "last", "1", None)).await;
    assert_eq!(b.get("lost").await.deduplication_id.as_deref(), Some("1"));
}

pub(crate) async fn an_end_at_the_deadline_frees_the_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = unique(&a, "w", "1", None);
    request.deadline = Some(at(5_000));
    a.start_as(request).await;
    a.take("w").await;
    let request = expiring(5_000);
    assert_eq!(a.cancel_expired(request).await, ["w"]);
    a.start_as(unique(&a, "next", "1", None)).await;
}

pub(crate) async fn another_queue_and_another_application_have_ids_of_their_own(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(unique(&a, "w0", "1", None)).await;
    a.start_as(unique(&a, "w1", "2", None)).await;
    let mut other = unique(&a, "w2", "1", None);
    other.enqueue.as_mut().expect("is enqueued").queue = "other".to_owned();
    a.start_as(other).await;
    let mut other = unique(&a, "w3", "1", None);
    other.app = "warehouse".to_owned();
    a.start_as(other).await;
    // Partitions have not.
    let mut other = unique(&a, "w4", "1", None);
    other.enqueue.as_mut().expect("is enqueued").partition_key = Some("x".to_owned());
    assert_eq!(a.insert(other).await, deduplicated("w0"));
}

pub(crate) async fn without_an_id_nothing_is_a_duplicate(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w0", "w1"]).await;
    a.start_as(unique(&a, "w2", "", None)).await;
    a.enqueue(&["w3"]).await;
    is_rejected(&a, "", "w2").await;
    assert_eq!(a.dequeue().await, ["w0", "w1", "w2", "w3"]);
}

pub(crate) async fn the_workflows_id_is_judged_before(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(unique(&a, "w0", "1", None)).await;
    a.start_as(unique(&a, "w1", "2", None)).await;
    for (id, deduplication_id) in [("w0", "1"), ("w0", "2"), ("w1", "1")] {
        let expected = a.get(id).await.without_payloads();
        let answer = a.insert(unique(&a, id, deduplication_id, None)).await;
        assert_eq!(answer, InsertOutcome::Existing(expected));
    }
}

pub(crate) async fn a_parents_checkpoint_names_who_has_the_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.start_as(unique(&a, "holder", "1", None)).await;
    let expected = a.get("holder").await;
    let mut request = a.child_insertion("child", "parent", owner, 4);
    request.enqueue = unique(&a, "child", "1", None).enqueue;
    let now = request.now;
    assert_eq!(a.insert(request).await, deduplicated("holder"));
    assert_eq!(a.find("child").await, None);
    assert_eq!(a.get("holder").await, expected);
    assert_eq!(
        a.steps("parent").await,
        [StepRecord::child(4, NAME, "holder", now)]
    );
}

pub(crate) async fn a_resumed_one_keeps_its_id_if_it_is_free(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(unique(&a, "w", "1", None)).await;
    a.cancel(cancelling(&["w"])).await;
    a.start_as(unique(&a, "between", "1", None)).await;
    a.cancel(cancelling(&["between"])).await;
    a.resume(resuming(&["w"])).await;
    assert_eq!(a.get("w").await.deduplication_id.as_deref(), Some("1"));
    is_rejected(&a, "1", "w").await;
}

pub(crate) async fn a_resumed_one_loses_its_id_to_whoever_has_it(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start_as(unique(&a, "w", "1", None)).await;
    a.cancel(cancelling(&["w"])).await;
    a.start_as(unique(&a, "holder", "1", None)).await;
    assert_eq!(a.resume(resuming(&["w"])).await, changed(&["w"]));
    let record = a.get("w").await;
    assert_eq!(record.status, WorkflowStatus::Enqueued);
    assert_eq!(record.deduplication_id, None);
    is_rejected(&a, "1", "holder").await;
    a.cancel(cancelling(&["holder"])).await;
    a.start_as(unique(&a, "next", "1", None)).await;
}

pub(crate) async fn of_those_resumed_together_one_keeps_the_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let ids = ["w0", "w1", "w2"];
    for id in ids {
        a.start_as(unique(&a, id, "1", None)).await;
        a.cancel(cancelling(&[id])).await;
    }
    assert_eq!(a.resume(resuming(&ids)).await, changed(&ids));
    let mut holders = Vec::new();
    for id in ids {
        holders.extend(a.get(id).await.deduplication_id.map(|_| id));
    }
    assert_eq!(holders.len(), 1, "{holders:?}");
    is_rejected(&a, "1", holders[0]).await;
    let mut all = a.dequeue().await;
    all.sort_unstable();
    assert_eq!(all, ids);
}

pub(crate) async fn a_resumption_into_another_queue_counts_the_ids_there(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (id, key) in [("free", "1"), ("taken", "2")] {
        a.start_as(unique(&a, id, key, None)).await;
        a.cancel(cancelling(&[id])).await;
    }
    // Who has the first id is in the queue that it leaves, and who has the second in the one it enters.
    a.start_as(unique(&a, "here", "1", None)).await;
    let mut there = unique(&a, "there", "2", None);
    there.enqueue.as_mut().expect("is enqueued").queue = "other".to_owned();
    a.start_as(there).await;
    let mut request = resuming(&["free", "taken"]);
    request.queue = Some("other".to_owned());
    a.resume(request).await;
    assert_eq!(a.get("free").await.deduplication_id.as_deref(), Some("1"));
    assert_eq!(a.get("taken").await.deduplication_id, None);
}

pub(crate) async fn every_text_is_an_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        a.start_as(unique(&a, &format!("w{number}"), hostile, None))
            .await;
    }
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        is_rejected(&a, hostile, &format!("w{number}")).await;
    }
}

fn unique(a: &Executor, id: &str, deduplication_id: &str, until: Option<i64>) -> InsertWorkflow {
    a.enqueueing_so(id, |enqueue| {
        enqueue.deduplication_id = Some(deduplication_id.to_owned());
        enqueue.delayed_until = until.map(at);
    })
}

fn deduplicated(id: &str) -> InsertOutcome {
    InsertOutcome::Deduplicated(id.to_owned())
}

/// Nothing is accepted with an id that a workflow has, and nothing changes.
async fn is_rejected(a: &Executor, deduplication_id: &str, holder: &str) {
    let before = a.contents().await;
    for until in [None, Some(9_000)] {
        let request = unique(a, "duplicate", deduplication_id, until);
        assert_eq!(a.insert(request).await, deduplicated(holder));
    }
    assert_eq!(a.contents().await, before);
}
