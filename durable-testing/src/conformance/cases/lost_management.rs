//! Every write from outside is repeated after its answer was lost, like every other write.
use durable_api::{
    WorkflowStatus,
    store::{
        BulkOutcome, DeleteFinished, ForkOutcome, RegisterVersion, SetAttributes,
        SetAttributesOutcome, SetLatestOutcome,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, at, cancelling, cancelling_with_children, deleting_with_children,
        end_in_every_way, expiring, forking, json, recorded, repeat, resuming, step,
    },
};

pub(crate) async fn a_cancellation_repeated_keeps_its_first_time(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.start_as(a.child_insertion("child", "parent", owner, 0))
        .await;
    let answer = repeat(bench, async |store| {
        let request = cancelling_with_children(&["parent", "nowhere"]);
        store.cancel_workflows(request).await
    })
    .await;
    let mut expected = unchanged("parent", WorkflowStatus::Cancelled);
    expected.unknown = vec!["nowhere".to_owned()];
    assert_eq!(answer, expected);
    let mut later = cancelling_with_children(&["parent"]);
    later.now = at(9_000);
    a.cancel(later).await;
    for id in ["parent", "child"] {
        assert_eq!(a.get(id).await.completed_at, Some(at(2_000)));
    }
}

pub(crate) async fn a_cancellation_at_the_deadline_repeated_cancels_once(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.deadline = Some(at(5));
    a.start_as(request).await;
    let answer = repeat(bench, async |store| {
        store.cancel_expired(expiring(10)).await
    })
    .await;
    assert_eq!(answer, Vec::<String>::new());
}

pub(crate) async fn a_resumption_repeated_resumes_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    a.cancel(cancelling(&["w"])).await;
    let answer = repeat(bench, async |store| {
        store.resume_workflows(resuming(&["w"])).await
    })
    .await;
    assert_eq!(answer, unchanged("w", WorkflowStatus::Pending));
    a.take_over("w").await;
}

pub(crate) async fn a_fork_repeated_is_forked_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    a.set_event(recorded("w", owner, 1), "key", "value").await;
    let answer = repeat(bench, async |store| {
        let requests = vec![
            forking("w", "fork 1", 1),
            forking("nowhere", "fork 2", 1),
            forking("w", "w", 1),
            forking("w", "fork 3", 2),
        ];
        store.fork_workflows(requests).await
    })
    .await;
    let expected = [
        ForkOutcome::Forked,
        ForkOutcome::UnknownSource,
        ForkOutcome::Conflict,
        ForkOutcome::Forked,
    ];
    assert_eq!(answer, expected);
}

pub(crate) async fn a_fork_repeated_does_not_follow_its_source(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    a.fork(forking("w", "fork", 5)).await;
    a.record("w", owner, step(1, "done")).await;
    let answer = a.fork(forking("w", "fork", 5)).await;
    assert_eq!(answer, ForkOutcome::Forked);
    assert_eq!(a.steps("fork").await, [step(0, "done")]);
}

pub(crate) async fn a_deletion_repeated_deletes_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.start_as(a.child_insertion("child", "parent", owner, 0))
        .await;
    let answer = repeat(bench, async |store| {
        let request = deleting_with_children(&["parent"]);
        store.delete_workflows(request).await
    })
    .await;
    let mut expected = BulkOutcome::new();
    expected.unknown = vec!["parent".to_owned()];
    assert_eq!(answer, expected);
}

pub(crate) async fn a_deletion_of_what_has_ended_repeated_keeps_the_latest(
    bench: &Bench<'_, impl Backend>,
) {
    end_in_every_way(bench, async |_, _, _| {}).await;
    let answer = repeat(bench, async |store| {
        let mut request = DeleteFinished::new(APP);
        request.keep_latest = Some(2);
        store.delete_finished(request).await
    })
    .await;
    assert_eq!(answer, 0);
}

pub(crate) async fn attributes_repeated_are_set(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let answer = repeat(bench, async |store| {
        let request = SetAttributes::new("w", json(r#"{"a": [1]}"#), at(70));
        store.set_attributes(request).await
    })
    .await;
    assert_eq!(answer, SetAttributesOutcome::Set);
}

pub(crate) async fn a_latest_version_repeated_stays_where_it_is(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    for (version, millis) in [("v1", 10), ("v2", 20)] {
        let request = RegisterVersion::new(APP, version, at(millis));
        store.register_version(request).await.expect("registers");
    }
    for now in [15, 50] {
        let version = if now == 15 { "v1" } else { "v2" };
        let answer = repeat(bench, async |store| {
            let request = RegisterVersion::new(APP, version, at(now));
            store.set_latest_version(request).await
        })
        .await;
        assert_eq!(answer, SetLatestOutcome::Set);
    }
}

fn unchanged(id: &str, status: WorkflowStatus) -> BulkOutcome {
    let mut answer = BulkOutcome::new();
    answer.unchanged = vec![(id.to_owned(), status)];
    answer
}
