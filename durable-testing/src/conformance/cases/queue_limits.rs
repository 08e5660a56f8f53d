//! How many run at once.
use durable_api::{
    WorkflowStatus,
    store::{DeleteQueueOutcome, DequeuedWorkflows, Owner, QueueRecord},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, cancelling, deleting, failure, queue, resuming, success, taken,
    },
};

pub(crate) async fn no_more_than_the_concurrency_is_taken(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(3)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    let answer = a.dequeue_as(a.dequeuing_up_to(2)).await;
    assert_eq!(taken(&answer), ["w0", "w1"]);
    let answer = b.dequeue_as(b.dequeuing()).await;
    assert_eq!(taken(&answer), ["w2"], "whoever runs them");
    assert!(
        !answer.more,
        "the queue's limit was reached, not the request's"
    );
    assert_eq!(answer.retry_at, None, "no rate is in the way");
    assert!(answer.held, "the next one may start when another ends");
    for executor in [&a, &b] {
        assert_eq!(executor.dequeue().await, Vec::<String>::new());
    }
}

pub(crate) async fn every_end_makes_room(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(1)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4", "w5"]).await;
    let owner = is_alone(&a, "w0").await;
    a.finish("w0", owner, success("done")).await;
    let owner = is_alone(&a, "w1").await;
    a.finish("w1", owner, failure("broken")).await;
    is_alone(&a, "w2").await;
    a.cancel(cancelling(&["w2"])).await;
    is_alone(&a, "w3").await;
    a.delete(deleting(&["w3"])).await;
    is_alone(&a, "w4").await;
    let b = a.reborn("b");
    b.register(b.registration()).await;
    b.expel(&a).await;
    let answer = b.claim_as(b.claiming_up_to(0)).await;
    assert_eq!(answer.dead_lettered, ["w4"]);
    is_alone(&b, "w5").await;
}

pub(crate) async fn what_was_lost_takes_room_until_it_is_back_in_its_queue(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(1)))
        .await;
    a.enqueue(&["w0", "w1"]).await;
    let owner = a.take("w0").await;
    b.expel(&a).await;
    assert_eq!(b.dequeue().await, Vec::<String>::new(), "it may still run");
    assert_eq!(b.get("w0").await.owner, Some(owner));
    assert_eq!(b.claim().await, Vec::<String>::new());
    is_alone(&b, "w0").await;
}

pub(crate) async fn no_more_than_an_executors_concurrency_is_taken_by_one(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| record.limits.executor_concurrency = Some(2)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    let owner = a.take("w0").await;
    assert_eq!(a.dequeue().await, ["w1"]);
    assert_eq!(a.dequeue().await, Vec::<String>::new());
    assert_eq!(b.dequeue().await, ["w2", "w3"]);
    a.finish("w0", owner, success("done")).await;
    assert_eq!(b.dequeue().await, Vec::<String>::new(), "it was not b's");
    assert_eq!(a.dequeue().await, ["w4"]);
}

pub(crate) async fn a_new_life_has_room_of_its_own(bench: &Bench<'_, impl Backend>) {
    let old = Executor::launch(bench, "a").await;
    old.put_queue(queue(|record| record.limits.executor_concurrency = Some(1)))
        .await;
    old.enqueue(&["w0", "w1"]).await;
    old.take("w0").await;
    let new = old.relaunch().await;
    assert_eq!(new.dequeue().await, ["w1"]);
}

pub(crate) async fn both_concurrencies_hold_together(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| {
        record.limits.concurrency = Some(3);
        record.limits.executor_concurrency = Some(2);
    }))
    .await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    assert_eq!(a.dequeue().await, ["w0", "w1"]);
    assert_eq!(b.dequeue().await, ["w2"]);
    assert_eq!(b.dequeue().await, Vec::<String>::new());
}

pub(crate) async fn no_more_than_a_partitions_concurrency_is_taken(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| {
        record.partition_limits.concurrency = Some(1)
    }))
    .await;
    a.enqueue_in("x", &["x0", "x1", "x2"]).await;
    a.enqueue_in("y", &["y0", "y1"]).await;
    a.enqueue(&["none 0", "none 1"]).await;
    let answer = a.dequeue_as(a.dequeuing()).await;
    let mut ids = taken(&answer);
    ids.sort_unstable();
    assert_eq!(ids, ["none 0", "x0", "y0"], "one of each, also of none");
    assert!(!answer.more);
    assert_eq!(b.dequeue().await, Vec::<String>::new());
    let owner = a.get("y0").await.owner.expect("was taken");
    a.finish("y0", owner, success("done")).await;
    assert_eq!(b.dequeue().await, ["y1"]);
}

pub(crate) async fn no_more_than_an_executors_concurrency_in_a_partition_is_taken(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| {
        record.partition_limits.executor_concurrency = Some(1);
    }))
    .await;
    a.enqueue_in("x", &["x0", "x1", "x2"]).await;
    a.enqueue_in("y", &["y0"]).await;
    let mut ids = a.dequeue().await;
    ids.sort_unstable();
    assert_eq!(ids, ["x0", "y0"]);
    assert_eq!(b.dequeue().await, ["x1"]);
    for executor in [&a, &b] {
        assert_eq!(executor.dequeue().await, Vec::<String>::new());
    }
}

pub(crate) async fn a_partition_that_is_held_back_holds_up_nobody_else(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        record.partition_limits.concurrency = Some(1)
    }))
    .await;
    for number in 0..150 {
        a.enqueue_so(&format!("blocked {number:03}"), |enqueue| {
            enqueue.partition_key = Some("blocked".to_owned());
            enqueue.priority = -1;
        })
        .await;
    }
    a.take("blocked 000").await;
    for number in 0..5 {
        let id = format!("free {number}");
        a.enqueue_in("free", &[&id]).await;
        let owner = a.take(&id).await;
        a.finish(&id, owner, success("done")).await;
    }
}

pub(crate) async fn the_limits_of_queue_and_partition_hold_together(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        record.limits.concurrency = Some(3);
        record.partition_limits.concurrency = Some(2);
    }))
    .await;
    a.enqueue_in("x", &["x0", "x1", "x2"]).await;
    a.enqueue_in("y", &["y0", "y1", "y2"]).await;
    let ids = a.dequeue().await;
    assert_eq!(ids.len(), 3);
    for partition in ["x", "y"] {
        let of = ids.iter().filter(|id| id.starts_with(partition));
        assert!(of.count() <= 2, "{ids:?}");
    }
    assert_eq!(a.dequeue().await, Vec::<String>::new());
}

pub(crate) async fn a_concurrency_of_nothing_takes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w"]).await;
    for so in [
        (|record| record.limits.concurrency = Some(0)) as fn(&mut QueueRecord),
        |record| record.limits.executor_concurrency = Some(0),
        |record| record.partition_limits.concurrency = Some(0),
        |record| record.partition_limits.executor_concurrency = Some(0),
    ] {
        a.put_queue(queue(so)).await;
        let mut expected = DequeuedWorkflows::new();
        expected.held = true;
        assert_eq!(a.dequeue_as(a.dequeuing()).await, expected);
    }
    a.put_queue(queue(|_| {})).await;
    a.take("w").await;
}

pub(crate) async fn the_largest_limits_hold_nobody_back(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        for limits in [&mut record.limits, &mut record.partition_limits] {
            limits.concurrency = Some(u32::MAX);
            limits.executor_concurrency = Some(u32::MAX);
        }
        record.weights.insert("x".to_owned(), u32::MAX);
    }))
    .await;
    a.enqueue_in("x", &["w0", "w1"]).await;
    assert_eq!(a.dequeue().await, ["w0", "w1"]);
}

pub(crate) async fn limits_are_those_of_one_queue(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(1)))
        .await;
    let mut other = QueueRecord::new("warehouse", "mail");
    other.limits.concurrency = Some(0);
    a.put_queue(other).await;
    a.enqueue(&["w0", "w1"]).await;
    for number in 0..3 {
        a.enqueue_so(&format!("other {number}"), |enqueue| {
            enqueue.queue = "other".to_owned();
        })
        .await;
        a.start(&format!("direct {number}")).await;
    }
    let mut ids = a.dequeue().await;
    ids.sort_unstable();
    assert_eq!(ids, ["other 0", "other 1", "other 2", "w0"]);
}

pub(crate) async fn a_changed_limit_holds_from_now_on(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(2)))
        .await;
    let answer = b.dequeue_as(b.dequeuing()).await;
    assert_eq!(taken(&answer), ["w0", "w1"]);
    let owner = answer.taken[0].record.owner.expect("was taken");
    a.put_queue(queue(|record| record.limits.concurrency = Some(3)))
        .await;
    assert_eq!(b.dequeue().await, ["w2"]);
    a.put_queue(queue(|record| record.limits.concurrency = Some(1)))
        .await;
    b.finish("w0", owner, success("done")).await;
    assert_eq!(b.dequeue().await, Vec::<String>::new(), "two still run");
    assert_eq!(b.get("w1").await.status, WorkflowStatus::Pending);
    assert_eq!(a.delete_queue("mail").await, DeleteQueueOutcome::InUse);
    a.put_queue(queue(|_| {})).await;
    assert_eq!(b.dequeue().await, ["w3", "w4"]);
}

pub(crate) async fn what_is_resumed_takes_no_room_before_its_turn(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(1)))
        .await;
    a.enqueue(&["w0", "w1"]).await;
    is_alone(&a, "w0").await;
    a.cancel(cancelling(&["w0"])).await;
    is_alone(&a, "w1").await;
    let request = resuming(&["w0"]);
    a.resume(request).await;
    assert_eq!(a.get("w0").await.status, WorkflowStatus::Enqueued);
    assert_eq!(a.dequeue().await, Vec::<String>::new());

    let owner = a.get("w1").await.owner.expect("runs");
    a.finish("w1", owner, success("done")).await;
    is_alone(&a, "w0").await;
}

/// A workflow is taken, and nothing besides; answers its owner.
async fn is_alone(executor: &Executor, id: &str) -> Owner {
    let request = executor.dequeuing();
    let owner = request.owner;
    let answer = executor.dequeue_as(request).await;
    assert_eq!(taken(&answer), [id]);
    owner
}
