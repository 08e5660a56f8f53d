//! What is stored of queues.
use std::collections::BTreeMap;

use durable_api::{
    WorkflowStatus,
    store::{DeleteQueueOutcome, Limits, QueueRecord},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, HOSTILE_TEXTS, QUEUE, cancelling, deleting, queue, rate, success,
    },
};

pub(crate) async fn a_configuration_is_kept_as_it_was_given(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let mut limits = Limits::default();
    limits.concurrency = Some(u32::MAX);
    limits.executor_concurrency = Some(0);
    limits.rate = rate(7, 60_000);
    let mut partition_limits = Limits::default();
    partition_limits.concurrency = Some(1);
    partition_limits.rate = rate(u32::MAX, u64::MAX);
    let mut record = queue(|_| {});
    for (limits, partition_limits) in [
        (Limits::default(), Limits::default()),
        (limits, partition_limits),
        (partition_limits, limits),
    ] {
        record.limits = limits;
        record.partition_limits = partition_limits;
        record.weights.insert(format!("{limits:?}"), u32::MAX);
        a.put_queue(record.clone()).await;
        assert_eq!(
            b.queues().await,
            std::slice::from_ref(&record),
            "in place of the one before"
        );
    }
}

pub(crate) async fn queues_are_listed_by_name(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    assert_eq!(a.queues().await, []);
    let names = [
        "b",
        "A",
        "\u{e9}",
        "a",
        "a:b",
        "Z",
        "_",
        "a b",
        "\u{1F980}",
        "\u{ffff}",
    ];
    for name in names {
        a.put_queue(QueueRecord::new(APP, name)).await;
    }
    a.put_queue(QueueRecord::new("warehouse", "c")).await;
    let mut expected = names;
    expected.sort_unstable();
    let listed: Vec<String> = a.queues().await.into_iter().map(|one| one.name).collect();
    assert_eq!(listed, expected);
    let others = a.store.list_queues("warehouse").await.expect("lists");
    assert_eq!(others, [QueueRecord::new("warehouse", "c")]);
}

pub(crate) async fn every_text_names_a_queue_an_application_and_a_weight(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        let mut record = QueueRecord::new(*hostile, *hostile);
        let number = u32::try_from(number).expect("is small");
        record.limits.concurrency = Some(number);
        record.weights = BTreeMap::from([((*hostile).to_owned(), number)]);
        a.put_queue(record.clone()).await;
    }
    for (number, hostile) in HOSTILE_TEXTS.iter().enumerate() {
        let listed = a.store.list_queues(hostile).await.expect("lists");
        assert_eq!(listed.len(), 1, "{hostile:?}");
        assert_eq!(listed[0].name, *hostile);
        assert_eq!(listed[0].limits.concurrency, u32::try_from(number).ok());
        assert!(listed[0].weights.contains_key(*hostile));
        let answer = a.store.delete_queue(hostile, hostile).await;
        assert_eq!(answer.expect("judges"), DeleteQueueOutcome::Deleted);
        assert_eq!(a.store.list_queues(hostile).await.expect("lists"), []);
    }
}

pub(crate) async fn nul_in_a_configuration_is_refused_or_kept_and_never_cut(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut weighted = queue(|_| {});
    weighted.weights.insert("nul\0nul".to_owned(), 2);
    for record in [QueueRecord::new(APP, "nul\0nul"), weighted] {
        let before = a.queues().await;
        match a.store.put_queue(record.clone()).await {
            Ok(()) => assert!(a.queues().await.contains(&record)),
            Err(_) => assert_eq!(a.queues().await, before),
        }
    }
}

pub(crate) async fn a_configuration_is_removed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.put_queue(queue(|record| record.limits.concurrency = Some(1)))
        .await;
    a.put_queue(QueueRecord::new(APP, "other")).await;
    a.put_queue(QueueRecord::new("warehouse", QUEUE)).await;
    assert_eq!(a.delete_queue(QUEUE).await, DeleteQueueOutcome::Deleted);
    assert_eq!(a.queues().await, [QueueRecord::new(APP, "other")]);
    let others = a.store.list_queues("warehouse").await.expect("lists");
    assert_eq!(others.len(), 1, "of another application");
    assert_eq!(
        a.delete_queue(QUEUE).await,
        DeleteQueueOutcome::Deleted,
        "there is none"
    );
    a.enqueue(&["w0", "w1"]).await;
    assert_eq!(a.dequeue().await, ["w0", "w1"], "it has no limits now");
}

pub(crate) async fn a_queue_without_configuration_is_in_use_all_the_same(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    assert_eq!(a.delete_queue(QUEUE).await, DeleteQueueOutcome::Deleted);
    a.enqueue(&["w"]).await;
    assert_eq!(a.delete_queue(QUEUE).await, DeleteQueueOutcome::InUse);
    a.cancel(cancelling(&["w"])).await;
    assert_eq!(a.delete_queue(QUEUE).await, DeleteQueueOutcome::Deleted);
}

pub(crate) async fn a_queue_in_use_keeps_its_configuration(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let record = queue(|record| record.limits.concurrency = Some(1));
    a.put_queue(record.clone()).await;
    a.delay("delayed", 5_000).await;
    let used = async |by: WorkflowStatus, id: &str| {
        assert_eq!(a.get(id).await.status, by);
        assert_eq!(
            a.delete_queue(QUEUE).await,
            DeleteQueueOutcome::InUse,
            "{by}"
        );
        assert_eq!(a.queues().await, std::slice::from_ref(&record));
    };
    used(WorkflowStatus::Delayed, "delayed").await;
    a.delete(deleting(&["delayed"])).await;
    a.enqueue(&["w"]).await;
    used(WorkflowStatus::Enqueued, "w").await;
    let owner = a.take("w").await;
    used(WorkflowStatus::Pending, "w").await;
    a.finish("w", owner, success("done")).await;
    a.enqueue(&["cancelled"]).await;
    a.cancel(cancelling(&["cancelled"])).await;
    // What has ended, and what is elsewhere, does not use it.
    a.enqueue_so("elsewhere", |enqueue| enqueue.queue = "other".to_owned())
        .await;
    let mut other = a.enqueueing("of another application");
    other.app = "warehouse".to_owned();
    a.start_as(other).await;
    assert_eq!(a.delete_queue(QUEUE).await, DeleteQueueOutcome::Deleted);
    assert_eq!(a.queues().await, []);
}
