//! Whose turn it is.
use std::collections::BTreeMap;

use durable_api::store::QueueRecord;

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, QUEUE, at, cancelling, deleting, queue, resuming, success, taken,
    },
};

pub(crate) async fn those_of_lower_numbers_are_taken_first(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, priority) in [
        ("c", 1),
        ("e", i32::MAX),
        ("b", 0),
        ("a", i32::MIN),
        ("d", 10),
    ] {
        a.enqueue_so(id, |enqueue| enqueue.priority = priority)
            .await;
    }
    assert_eq!(a.dequeue().await, ["a", "b", "c", "d", "e"]);
}

pub(crate) async fn among_equals_those_accepted_first_are_taken_first(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (id, priority) in [("d", 1), ("z", 0), ("y", 0), ("b", 1), ("x", 0), ("c", 1)] {
        a.enqueue_so(id, |enqueue| enqueue.priority = priority)
            .await;
    }
    assert_eq!(a.dequeue().await, ["z", "y", "x", "d", "b", "c"]);
}

pub(crate) async fn of_one_millisecond_those_accepted_first_are_taken_first(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let ids = ["c", "e", "b", "d", "a", "f", "10", "9"];
    for id in ids {
        let mut request = a.enqueueing(id);
        request.now = at(7);
        a.start_as(request).await;
    }
    assert_eq!(a.dequeue().await, ids);
}

pub(crate) async fn the_order_of_acceptance_is_not_that_of_the_clocks(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (id, now) in [("a", 50), ("b", 7), ("c", 30)] {
        let mut request = a.enqueueing(id);
        request.now = at(now);
        a.start_as(request).await;
    }
    assert_eq!(a.dequeue().await, ["a", "b", "c"]);
}

pub(crate) async fn who_moves_to_another_queue_stands_at_its_end(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    // Of those that come, one has waited elsewhere, one was started without a queue, and one comes back to its own.
    a.enqueue_so("elsewhere", |enqueue| enqueue.queue = "other".to_owned())
        .await;
    a.start("direct").await;
    a.enqueue(&["back", "one"]).await;
    for id in ["direct", "elsewhere", "back"] {
        a.cancel(cancelling(&[id])).await;
        let mut request = resuming(&[id]);
        request.queue = Some(QUEUE.to_owned());
        a.resume(request).await;
        a.enqueue(&[&format!("after {id}")]).await;
    }
    let order = [
        "back",
        "one",
        "direct",
        "after direct",
        "elsewhere",
        "after elsewhere",
        "after back",
    ];
    assert_eq!(a.dequeue().await, order);
}

pub(crate) async fn the_order_holds_over_many_dequeues(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for number in 0..20 {
        a.enqueue_so(&format!("{:02}", (number * 7) % 20), |enqueue| {
            enqueue.priority = (number * 7) % 20;
        })
        .await;
    }
    let mut order = Vec::new();
    for limit in [1, 2, 3, 5, 9] {
        let answer = a.dequeue_as(a.dequeuing_up_to(limit)).await;
        order.extend(taken(&answer).into_iter().map(str::to_owned));
    }
    let expected: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    assert_eq!(order, expected);
}

pub(crate) async fn a_noisy_partition_does_not_hold_up_a_quiet_one(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for number in 0..200 {
        a.enqueue_in("noisy", &[&format!("noisy {number:03}")])
            .await;
    }
    a.enqueue_in("quiet", &["quiet 0", "quiet 1"]).await;
    let answer = a.dequeue_as(a.dequeuing_up_to(4)).await;
    let mut ids = taken(&answer);
    ids.sort_unstable();
    assert_eq!(ids, ["noisy 000", "noisy 001", "quiet 0", "quiet 1"]);
    a.enqueue_in("late", &["late 0"]).await;
    let answer = a.dequeue_as(a.dequeuing_up_to(2)).await;
    assert!(taken(&answer).contains(&"late 0"), "never served before");
}

pub(crate) async fn partitions_take_turns_over_many_dequeues(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for partition in ["x", "y", "z"] {
        for number in 0..4 {
            a.enqueue_in(partition, &[&format!("{partition}{number}")])
                .await;
        }
    }
    for round in 0..4 {
        let mut served = Vec::new();
        for turn in 0..3 {
            let (id, _) = [&a, &b][turn % 2].next().await.expect("something waits");
            assert!(id.ends_with(&round.to_string()), "{id} in its own order");
            served.push(id);
        }
        served.sort_unstable();
        let expected = ["x", "y", "z"].map(|partition| format!("{partition}{round}"));
        assert_eq!(served, expected, "each once in a round");
    }
}

pub(crate) async fn without_a_partition_key_is_a_partition_of_its_own(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for number in 0..20 {
        a.enqueue(&[&format!("without {number:02}")]).await;
    }
    a.enqueue_in("", &["empty"]).await;
    a.enqueue_in("with", &["with"]).await;
    let answer = a.dequeue_as(a.dequeuing_up_to(3)).await;
    let mut ids = taken(&answer);
    ids.sort_unstable();
    assert_eq!(ids, ["empty", "with", "without 00"]);
}

pub(crate) async fn a_turn_is_as_long_as_its_weight_says(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        record.weights = BTreeMap::from([("heavy".to_owned(), 3), ("none".to_owned(), 0)]);
    }))
    .await;
    for partition in ["heavy", "none", "unset"] {
        for number in 0..9 {
            a.enqueue_in(partition, &[&format!("{partition} {number}")])
                .await;
        }
    }
    for round in 1..=3 {
        // Three of the heavy one, one of each other: a weight is at least 1.
        let answer = a.dequeue_as(a.dequeuing_up_to(5)).await;
        let served = |partition: &str| {
            let ids = taken(&answer).into_iter();
            ids.filter(|id| id.starts_with(partition)).count()
        };
        let counts = ["heavy", "none", "unset"].map(served);
        assert_eq!(counts, [3, 1, 1], "in round {round}");
    }
}

pub(crate) async fn who_is_alone_takes_all_turns(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| {
        record.weights = BTreeMap::from([("b".to_owned(), 2)]);
    }))
    .await;
    a.enqueue_in("a", &["a0"]).await;
    a.enqueue_in("b", &["b0", "b1", "b2", "b3", "b4"]).await;
    let mut ids = a.dequeue().await;
    ids.retain(|id| id.starts_with('b'));
    assert_eq!(ids, ["b0", "b1", "b2", "b3", "b4"]);
}

pub(crate) async fn within_a_partition_priority_and_acceptance_count(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (id, partition, priority) in [
        ("x2", "x", 5),
        ("y1", "y", 0),
        ("x0", "x", 0),
        ("y0", "y", -1),
        ("x1", "x", 0),
    ] {
        a.enqueue_so(id, |enqueue| {
            enqueue.partition_key = Some(partition.to_owned());
            enqueue.priority = priority;
        })
        .await;
    }
    let order = a.dequeue().await;
    let of = |partition: &str| -> Vec<&str> {
        let ids = order.iter().map(String::as_str);
        ids.filter(|id| id.starts_with(partition)).collect()
    };
    assert_eq!(of("x"), ["x0", "x1", "x2"]);
    assert_eq!(of("y"), ["y0", "y1"]);
}

pub(crate) async fn a_partition_that_was_emptied_comes_back(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for round in 0..3 {
        for partition in ["x", "y"] {
            let id = format!("{partition}{round}");
            a.enqueue_in(partition, &[&id]).await;
        }
        let mut ids = Vec::new();
        while let Some((id, owner)) = a.next().await {
            a.finish(&id, owner, success("done")).await;
            ids.push(id);
        }
        ids.sort_unstable();
        assert_eq!(ids, [format!("x{round}"), format!("y{round}")]);
        let all: Vec<&str> = ids.iter().map(String::as_str).collect();
        a.delete(deleting(&all)).await;
    }
}

pub(crate) async fn of_many_queues_none_starves(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for queue in ["a", "b", "c"] {
        for number in 0..80 {
            a.enqueue_so(&format!("{queue} {number:02}"), |enqueue| {
                enqueue.queue = queue.to_owned();
            })
            .await;
        }
    }
    let mut served = BTreeMap::new();
    for _ in 0..60 {
        let (id, _) = a.next().await.expect("something waits");
        *served.entry(id[..1].to_owned()).or_insert(0) += 1;
    }
    assert_eq!(served.len(), 3, "{served:?}");
}

pub(crate) async fn queues_with_and_without_configuration_are_all_served(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for name in ["b", "d"] {
        a.put_queue(QueueRecord::new(APP, name)).await;
    }
    for partition in [None, Some("p")] {
        for name in ["d", "c", "b", "a", "e"] {
            a.enqueue_so(&format!("{name} {partition:?}"), |enqueue| {
                name.clone_into(&mut enqueue.queue);
                enqueue.partition_key = partition.map(str::to_owned);
            })
            .await;
        }
        let mut taken = a.dequeue().await;
        taken.sort();
        let all = ["a", "b", "c", "d", "e"].map(|name| format!("{name} {partition:?}"));
        assert_eq!(taken, all);
    }
}

pub(crate) async fn what_was_cancelled_or_deleted_leaves_the_queue(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.enqueue(&["w0", "w1", "w2", "w3", "w4"]).await;
    a.cancel(cancelling(&["w0", "w3"])).await;
    a.delete(deleting(&["w1"])).await;
    assert_eq!(a.dequeue().await, ["w2", "w4"]);
}
