use durable_api::store::{DeleteFinished, EventLookup, FinishWorkflow, WorkflowFilter};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, at, cancelling, end_in_every_way, failure, recorded, success,
    },
};

pub(crate) async fn without_a_condition_nothing_is_deleted(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    let before = a.contents().await;
    assert_eq!(a.delete_finished(DeleteFinished::new(APP)).await, 0);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn what_ended_before_a_time_is_deleted(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    assert_eq!(a.delete_finished(before(10)).await, 0);
    assert_eq!(a.delete_finished(before(30)).await, 2);
    assert_eq!(left(&a).await, ["a50", "b40", "c30"]);
    assert_eq!(a.delete_finished(before(31)).await, 1);
    assert_eq!(left(&a).await, ["a50", "b40"]);
}

pub(crate) async fn what_is_beyond_a_number_is_deleted(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    for (kept, deleted) in [(u64::MAX, 0), (5, 0), (3, 2), (3, 0)] {
        assert_eq!(a.delete_finished(beyond(kept)).await, deleted, "{kept}");
    }
    assert_eq!(left(&a).await, ["a50", "b40", "c30"]);
    assert_eq!(a.delete_finished(beyond(0)).await, 3);
    assert_eq!(left(&a).await, Vec::<String>::new());
}

pub(crate) async fn of_one_millisecond_the_greatest_ids_are_the_latest(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for id in ["b", "\u{e9}", "B", "a", "c"] {
        end(&a, id, 10).await;
    }
    assert_eq!(a.delete_finished(beyond(3)).await, 2);
    assert_eq!(left(&a).await, ["b", "c", "\u{e9}"]);
}

pub(crate) async fn conditions_are_combined_by_and(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    let mut request = before(30);
    request.keep_latest = Some(4);
    assert_eq!(a.delete_finished(request).await, 1);
    assert_eq!(left(&a).await, ["a50", "b40", "c30", "d20"]);
    let mut request = before(30);
    request.keep_latest = Some(1);
    assert_eq!(a.delete_finished(request).await, 1);
    assert_eq!(left(&a).await, ["a50", "b40", "c30"]);
}

pub(crate) async fn what_ended_first_is_deleted_first(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    let mut request = before(50);
    request.limit = 3;
    assert_eq!(a.delete_finished(request.clone()).await, 3);
    assert_eq!(left(&a).await, ["a50", "b40"]);
    assert_eq!(a.delete_finished(request.clone()).await, 1);
    assert_eq!(a.delete_finished(request).await, 0);
    assert_eq!(left(&a).await, ["a50"]);
}

pub(crate) async fn what_is_beyond_a_number_is_deleted_in_batches(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    let mut request = beyond(2);
    request.limit = 2;
    assert_eq!(a.delete_finished(request.clone()).await, 2);
    assert_eq!(left(&a).await, ["a50", "b40", "c30"]);
    assert_eq!(a.delete_finished(request.clone()).await, 1);
    assert_eq!(left(&a).await, ["a50", "b40"]);
    assert_eq!(a.delete_finished(request).await, 0);
}

pub(crate) async fn what_has_not_ended_is_never_deleted(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    a.start("handed back").await;
    c.start("orphaned").await;
    b.start("running").await;
    b.enqueue(&["enqueued"]).await;
    b.delay("delayed", 5_000).await;
    a.retire().await;
    b.expel(&c).await;
    let mut request = before(1_000_000);
    request.keep_latest = Some(0);
    assert_eq!(b.delete_finished(request).await, 5);
    let mut kept = left(&b).await;
    kept.sort_unstable();
    let expected = ["delayed", "enqueued", "handed back", "orphaned", "running"];
    assert_eq!(kept, expected);
    b.cancel(cancelling(&["running"])).await;
    assert_eq!(b.delete_finished(beyond(0)).await, 1);
}

pub(crate) async fn what_has_not_ended_does_not_count(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    for id in ["w1", "w2", "w3"] {
        a.start(id).await;
    }
    assert_eq!(a.delete_finished(beyond(5)).await, 0);
    assert_eq!(a.delete_finished(beyond(4)).await, 1);
    assert_eq!(a.find("e10").await, None);
}

pub(crate) async fn every_final_status_is_deleted(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |executor, id, owner| {
        let step = recorded(id, owner, 0);
        executor.set_event(step, "key", id).await;
    })
    .await;
    assert_eq!(watcher.delete_finished(before(1_000_000)).await, 4);
    assert_eq!(left(&watcher).await, Vec::<String>::new());
    assert_eq!(watcher.steps("success").await, []);
    let lookup = watcher.event("success", "key").await;
    assert_eq!(lookup, EventLookup::UnknownWorkflow);
}

pub(crate) async fn other_applications_keep_their_own(bench: &Bench<'_, impl Backend>) {
    let a = five(bench).await;
    for id in ["other 1", "other 2"] {
        let mut request = a.insertion(id);
        request.app = "warehouse".to_owned();
        let owner = a.start_as(request).await;
        a.finish(id, owner, success("done")).await;
    }
    assert_eq!(a.delete_finished(beyond(4)).await, 1, "they do not count");
    assert_eq!(a.delete_finished(before(1_000_000)).await, 4);
    assert_eq!(left(&a).await, ["other 1", "other 2"]);
    let request = DeleteFinished::new("warehouse");
    assert_eq!(a.delete_finished(request).await, 0);
    let mut request = DeleteFinished::new("warehouse");
    request.keep_latest = Some(1);
    assert_eq!(a.delete_finished(request).await, 1);
    assert_eq!(left(&a).await, ["other 2"]);
}

/// Workflows that ended at five times, in another order than that of their start and of their ids.
async fn five(bench: &Bench<'_, impl Backend>) -> Executor {
    let a = Executor::launch(bench, "a").await;
    for (id, millis) in [
        ("b40", 40),
        ("e10", 10),
        ("a50", 50),
        ("d20", 20),
        ("c30", 30),
    ] {
        end(&a, id, millis).await;
    }
    a
}

async fn end(a: &Executor, id: &str, millis: i64) {
    let owner = a.start(id).await;
    let outcome = if millis % 20 == 0 {
        success("done")
    } else {
        failure("broken")
    };
    let request = FinishWorkflow::new(id, owner, outcome, at(millis));
    a.store.finish_workflow(request).await.expect("finishes");
}

fn before(millis: i64) -> DeleteFinished {
    let mut request = DeleteFinished::new(APP);
    request.completed_before = Some(at(millis));
    request
}

fn beyond(number: u64) -> DeleteFinished {
    let mut request = DeleteFinished::new(APP);
    request.keep_latest = Some(number);
    request
}

async fn left(a: &Executor) -> Vec<String> {
    a.list(WorkflowFilter::new()).await
}
