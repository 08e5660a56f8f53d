use durable_api::store::StoreErrorKind;

use crate::{
    Backend, Bench,
    conformance::fixtures::{Contents, Executor, firing, queue, race, schedule, step},
};

pub(crate) async fn a_store_that_is_up_answers_a_ping(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    store.ping().await.expect("is reached");
}

pub(crate) async fn a_store_that_was_never_migrated_is_not_verified(
    bench: &Bench<'_, impl Backend>,
) {
    let store = bench.open_raw().await;
    for again in ["the first time", "and verifying has written nothing"] {
        let error = store.verify().await.expect_err("there is no schema");
        assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{again}");
    }
}

pub(crate) async fn a_migrated_store_is_verified_by_every_handle(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    store.verify().await.expect("is verified");
    let other = bench.open_raw().await;
    other.verify().await.expect("is verified");
}

pub(crate) async fn migrating_twice_is_harmless(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    store.migrate().await.expect("migrates again");
    store.verify().await.expect("is verified");
}

pub(crate) async fn migrating_again_keeps_what_is_stored(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    stores_what_waits(&a).await;
    let before = a.contents().await;
    bench.open().await;
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn processes_that_migrate_at_once_all_succeed(bench: &Bench<'_, impl Backend>) {
    let mut contenders = Vec::new();
    for _ in 0..4 {
        let store = bench.open_raw().await;
        contenders.push(async move {
            store.migrate().await.expect("migrates or waits");
            store.verify().await.expect("the schema is there");
        });
    }
    race(contenders).await;
}

pub(crate) async fn the_description_is_the_same_for_every_handle(bench: &Bench<'_, impl Backend>) {
    let description = bench.open().await.describe();
    assert_eq!(bench.open_raw().await.describe(), description);
    assert!(!description.backend.is_empty());
    assert!(!description.location.is_empty());
    assert!(!description.durability.is_empty());
}

pub(crate) async fn one_handle_sees_at_once_what_another_wrote(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    assert_eq!(b.get("w").await.owner, Some(owner));
    a.record("w", owner, step(0, "done")).await;
    assert_eq!(b.steps("w").await, [step(0, "done")]);
    assert_eq!(b.contents().await, a.contents().await);
}

pub(crate) async fn what_was_acknowledged_is_there_when_every_handle_was_lost(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    stores_what_waits(&a).await;
    let before = a.contents().await;
    drop(a);
    assert_eq!(Contents::of(&*bench.open().await).await, before);
}

pub(crate) async fn namespaces_see_nothing_of_each_other(bench: &Bench<'_, impl Backend>) {
    let here = Executor::launch(bench, "a").await;
    here.start("w").await;
    stores_what_waits(&here).await;
    let before = here.contents().await;
    bench
        .elsewhere(async |elsewhere| {
            let there = Executor::unregistered(elsewhere, "a").await;
            assert_eq!(there.find("w").await, None);
            assert_eq!(there.executors().await, []);
            there.register(there.registration()).await;
            there.start("w").await;
            assert_eq!(there.queues().await, []);
            assert_eq!(there.schedules().await, []);
            assert_eq!(there.dequeue().await, Vec::<String>::new());
            there.enqueue(&["enqueued"]).await;
            there.take("enqueued").await;
        })
        .await;
    assert_eq!(here.contents().await, before);
}

/// A queue, a schedule, and what waits in the one for the other.
async fn stores_what_waits(a: &Executor) {
    a.put_queue(queue(|record| record.limits.concurrency = Some(3)))
        .await;
    let seen = a.schedule(schedule("s")).await;
    a.fire(firing(a, &seen, 1_000)).await;
    a.enqueue(&["enqueued"]).await;
    a.delay("delayed", 5_000).await;
}
