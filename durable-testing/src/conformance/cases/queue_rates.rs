//! How many start in a stretch of time.
use durable_api::{Timestamp, store::DequeuedWorkflows};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, at, cancelling, deleting, failure, queue, rate, success, taken,
    },
};

pub(crate) async fn no_more_than_the_rate_is_taken_and_the_answer_says_when(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| record.limits.rate = rate(2, 1_000)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    let answer = a.dequeue_as(a.dequeuing_at(1_000)).await;
    assert_eq!(taken(&answer), ["w0", "w1"]);
    assert_eq!(answer.retry_at, Some(at(2_000)));
    assert!(
        !answer.more,
        "the queue's limit was reached, not the request's"
    );
    for millis in [1_000, 1_500, 1_999] {
        let mut expected = DequeuedWorkflows::new();
        expected.retry_at = Some(at(2_000));
        let answer = b.dequeue_as(b.dequeuing_at(millis)).await;
        expected.held = answer.held;
        assert_eq!(answer, expected);
    }
    let answer = b.dequeue_as(b.dequeuing_at(2_000)).await;
    assert_eq!(taken(&answer), ["w2", "w3"], "at that time exactly");
    assert_eq!(answer.retry_at, Some(at(3_000)));
    let answer = a.dequeue_as(a.dequeuing_at(3_000)).await;
    assert_eq!(taken(&answer), ["w4"]);
}

pub(crate) async fn a_rate_holds_over_every_stretch_of_time(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.rate = rate(3, 1_000)))
        .await;
    for number in 0..12 {
        a.enqueue(&[&format!("w{number:02}")]).await;
    }
    for millis in [1_000, 1_400, 1_700] {
        let mut request = a.dequeuing_at(millis);
        request.limit = 1;
        assert_eq!(a.dequeue_as(request).await.taken.len(), 1);
    }
    // One is over at a time, not all of them with the first.
    for (millis, count, next) in [
        (1_999, 0, 2_000),
        (2_000, 1, 2_400),
        (2_399, 0, 2_400),
        (2_650, 1, 2_700),
        (2_900, 1, 3_000),
        (4_500, 3, 5_500),
    ] {
        let answer = a.dequeue_as(a.dequeuing_at(millis)).await;
        assert_eq!(answer.taken.len(), count, "at {millis}");
        assert_eq!(answer.retry_at, Some(at(next)), "at {millis}");
    }
}

pub(crate) async fn what_ended_or_was_deleted_counts(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.rate = rate(4, 1_000)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    let request = a.dequeuing_at(1_000);
    let owner = request.owner;
    let answer = a.dequeue_as(request).await;
    assert_eq!(taken(&answer), ["w0", "w1", "w2", "w3"]);
    a.finish("w0", owner, success("done")).await;
    a.finish("w1", owner, failure("broken")).await;
    a.cancel(cancelling(&["w2"])).await;
    a.delete(deleting(&["w0", "w3"])).await;
    assert_eq!(a.dequeue_at(1_999).await, Vec::<String>::new());
    assert_eq!(a.dequeue_at(2_000).await, ["w4"]);
}

pub(crate) async fn whatever_is_taken_again_counts_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.put_queue(queue(|record| record.limits.rate = rate(2, 1_000)))
        .await;
    a.enqueue(&["w0", "w1"]).await;
    let mut request = a.dequeuing_at(1_000);
    request.limit = 1;
    a.dequeue_as(request).await;
    a.retire().await;
    assert_eq!(b.dequeue_at(1_300).await, ["w0"]);
    assert_eq!(b.dequeue_at(1_999).await, Vec::<String>::new());
    assert_eq!(b.dequeue_at(2_000).await, ["w1"]);
}

pub(crate) async fn a_partitions_rate_that_comes_later_counts_what_started_before(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.rate = rate(9, 1_000)))
        .await;
    a.enqueue_in("x", &["x0", "x1"]).await;
    assert_eq!(a.dequeue_at(1_000).await, ["x0", "x1"]);
    a.put_queue(queue(|record| {
        record.partition_limits.rate = rate(2, 1_000)
    }))
    .await;
    a.enqueue_in("x", &["x2"]).await;
    assert_eq!(a.dequeue_at(1_999).await, Vec::<String>::new());
    assert_eq!(a.dequeue_at(2_000).await, ["x2"]);
}

pub(crate) async fn a_partition_has_a_rate_of_its_own(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        record.partition_limits.rate = rate(1, 1_000)
    }))
    .await;
    a.enqueue_in("x", &["x0", "x1", "x2"]).await;
    assert_eq!(a.dequeue_at(1_000).await, ["x0"]);
    a.enqueue_in("y", &["y0", "y1"]).await;
    a.enqueue(&["none 0", "none 1"]).await;
    let answer = a.dequeue_as(a.dequeuing_at(1_600)).await;
    let mut ids = taken(&answer);
    ids.sort_unstable();
    assert_eq!(ids, ["none 0", "y0"], "x holds up nobody else");
    assert_eq!(answer.retry_at, Some(at(2_000)), "the earliest of them");
    let answer = a.dequeue_as(a.dequeuing_at(2_000)).await;
    assert_eq!(taken(&answer), ["x1"]);
    assert_eq!(answer.retry_at, Some(at(2_600)));
}

pub(crate) async fn the_rates_of_queue_and_partition_hold_together(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        record.limits.rate = rate(3, 1_000);
        record.partition_limits.rate = rate(2, 5_000);
    }))
    .await;
    a.enqueue_in("x", &["x0", "x1", "x2"]).await;
    a.enqueue_in("y", &["y0", "y1", "y2"]).await;
    let ids = a.dequeue_at(1_000).await;
    assert_eq!(ids.len(), 3);
    assert_eq!(a.dequeue_at(1_999).await, Vec::<String>::new());
    assert_eq!(a.dequeue_at(2_000).await.len(), 1);
    let answer = a.dequeue_as(a.dequeuing_at(4_000)).await;
    assert_eq!(taken(&answer), Vec::<&str>::new());
    assert_eq!(answer.retry_at, Some(at(6_000)));
}

pub(crate) async fn the_earliest_of_several_queues_is_when_to_ask_again(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (name, period) in [("slow", 9_000), ("fast", 3_000), ("middle", 6_000)] {
        a.put_queue(queue(|record| {
            record.name = name.to_owned();
            record.limits.rate = rate(1, period);
        }))
        .await;
        for number in 0..2 {
            a.enqueue_so(&format!("{name} {number}"), |enqueue| {
                enqueue.queue = name.to_owned();
            })
            .await;
        }
    }
    let answer = a.dequeue_as(a.dequeuing_at(1_000)).await;
    assert_eq!(answer.taken.len(), 3);
    assert_eq!(answer.retry_at, Some(at(4_000)));
    assert_eq!(a.dequeue_at(4_000).await, ["fast 1"]);
    let answer = a.dequeue_as(a.dequeuing_at(4_000)).await;
    assert_eq!(answer.retry_at, Some(at(7_000)));
}

pub(crate) async fn callers_whose_clocks_differ_do_not_exceed_a_rate_together(
    bench: &Bench<'_, impl Backend>,
) {
    let ahead = Executor::launch(bench, "ahead").await;
    let behind = Executor::launch(bench, "behind").await;
    ahead
        .put_queue(queue(|record| record.limits.rate = rate(2, 1_000)))
        .await;
    ahead.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    let one_at = |executor: &Executor, millis| {
        let mut request = executor.dequeuing_at(millis);
        request.limit = 1;
        request
    };
    let answer = ahead.dequeue_as(one_at(&ahead, 60_000)).await;
    assert_eq!(taken(&answer), ["w0"]);
    // A minute earlier by another clock, a moment later in truth.
    let answer = behind.dequeue_as(one_at(&behind, 10)).await;
    assert_eq!(taken(&answer), ["w1"]);
    assert_eq!(
        behind.get("w1").await.started_at,
        Some(at(10)),
        "by its own clock"
    );
    for (executor, millis) in [
        (&behind, 20),
        (&ahead, 60_030),
        (&behind, 2_000),
        (&ahead, 60_999),
    ] {
        let answer = executor.dequeue_as(executor.dequeuing_at(millis)).await;
        assert_eq!(taken(&answer), Vec::<&str>::new(), "at {millis}");
        assert_eq!(answer.retry_at, Some(at(61_000)));
    }
    assert_eq!(ahead.dequeue_at(61_000).await, ["w2", "w3"]);
}

pub(crate) async fn a_changed_rate_holds_from_now_on(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.rate = rate(1, 1_000)))
        .await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4", "w5"]).await;
    assert_eq!(a.dequeue_at(1_000).await, ["w0"]);
    a.put_queue(queue(|record| record.limits.rate = rate(3, 1_000)))
        .await;
    assert_eq!(
        a.dequeue_at(1_100).await,
        ["w1", "w2"],
        "what was taken before counts"
    );
    a.put_queue(queue(|record| record.limits.rate = rate(2, 1_000)))
        .await;
    let answer = a.dequeue_as(a.dequeuing_at(1_500)).await;
    assert_eq!(taken(&answer), Vec::<&str>::new());
    assert_eq!(
        answer.retry_at,
        Some(at(2_100)),
        "when one less than the rate is left"
    );
    assert_eq!(a.dequeue_at(2_000).await, Vec::<String>::new());
    a.put_queue(queue(|_| {})).await;
    assert_eq!(a.dequeue_at(2_000).await, ["w3", "w4", "w5"]);
}

pub(crate) async fn a_rate_of_nothing_takes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.rate = rate(0, 1_000)))
        .await;
    a.enqueue(&["w"]).await;
    for millis in [0, 1_000, 90_000_000] {
        assert_eq!(a.dequeue_at(millis).await, Vec::<String>::new());
    }
}

pub(crate) async fn the_largest_rate_and_the_longest_period_are_kept(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        record.limits.rate = rate(u32::MAX, u64::MAX)
    }))
    .await;
    a.enqueue(&["w0", "w1"]).await;
    assert_eq!(a.dequeue_at(1_000).await, ["w0", "w1"]);
    a.put_queue(queue(|record| record.limits.rate = rate(3, u64::MAX)))
        .await;
    a.enqueue(&["w2", "w3"]).await;
    let eternity = Timestamp::from_millis(253_402_300_799_999);
    let mut request = a.dequeuing_at(2_000);
    assert_eq!(taken(&a.dequeue_as(request.clone()).await), ["w2"]);
    request = a.dequeuing();
    request.now = eternity;
    assert_eq!(taken(&a.dequeue_as(request).await), Vec::<&str>::new());
}

pub(crate) async fn without_a_rate_there_is_no_time_to_ask_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.rate = rate(5, 1_000)))
        .await;
    a.enqueue(&["w0", "w1"]).await;
    let answer = a.dequeue_as(a.dequeuing_up_to(1)).await;
    assert_eq!(answer.retry_at, None, "a rate that is not in the way");
    assert!(answer.more);
    let answer = a.dequeue_as(a.dequeuing()).await;
    assert_eq!(taken(&answer), ["w1"]);
    assert_eq!(answer.retry_at, None);
}
