use durable_api::{
    WorkflowStatus,
    store::{BulkOutcome, InsertOutcome},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, at, cancelling, cancelling_with_children, changed, end_in_every_way,
        is_fenced_out, recorded, step, success,
    },
};

pub(crate) async fn a_pending_workflow_is_cancelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    a.set_event(recorded("w", owner, 1), "key", "value").await;
    let steps = a.steps("w").await;
    let mut expected = a.get("w").await;
    assert_eq!(b.cancel(cancelling(&["w"])).await, changed(&["w"]));
    expected.status = WorkflowStatus::Cancelled;
    expected.owner = None;
    expected.updated_at = at(2_000);
    expected.completed_at = Some(at(2_000));
    assert_eq!(a.get("w").await, expected);
    assert_eq!(a.steps("w").await, steps, "it could be resumed");
    assert_eq!(a.events("w").await.len(), 1);
}

pub(crate) async fn whoever_ran_it_can_write_no_more(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    b.cancel(cancelling(&["w"])).await;
    is_fenced_out(&a, "w", owner).await;
}

pub(crate) async fn what_nobody_runs_is_cancelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    a.start("orphaned").await;
    b.start("handed back").await;
    c.expel(&a).await;
    b.retire().await;
    let both = ["handed back", "orphaned"];
    assert_eq!(c.cancel(cancelling(&both)).await, changed(&both));
    assert_eq!(c.claim().await, Vec::<String>::new());
    for id in both {
        assert_eq!(c.get(id).await.status, WorkflowStatus::Cancelled);
    }
}

pub(crate) async fn what_has_ended_stays_as_it_is(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |_, _, _| {}).await;
    let before = watcher.contents().await;
    let mut expected = BulkOutcome::new();
    expected.unchanged = ENDINGS.map(|(id, status)| (id.to_owned(), status)).to_vec();
    let ids = ["success", "error", "dead letter", "cancelled"];
    assert_eq!(watcher.cancel(cancelling(&ids)).await, expected);
    let answer = watcher.cancel(cancelling_with_children(&ids)).await;
    assert_eq!(answer, expected);
    assert_eq!(watcher.contents().await, before);
}

pub(crate) async fn the_answer_sorts_what_it_names(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for id in ["b", "c", "a"] {
        a.start(id).await;
    }
    for id in ["done b", "done a"] {
        let owner = a.start(id).await;
        a.finish(id, owner, success("done")).await;
    }
    let ids = [
        "no b", "b", "done b", "c", "a", "done a", "no a", "b", "no b", "done b",
    ];
    let mut expected = changed(&["a", "b", "c"]);
    expected.unchanged = vec![
        ("done a".to_owned(), WorkflowStatus::Success),
        ("done b".to_owned(), WorkflowStatus::Success),
    ];
    expected.unknown = vec!["no a".to_owned(), "no b".to_owned()];
    assert_eq!(a.cancel(cancelling(&ids)).await, expected, "each once");
}

pub(crate) async fn a_request_about_nothing_changes_nothing(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    let before = a.contents().await;
    assert_eq!(a.cancel(cancelling(&[])).await, BulkOutcome::new());
    let answer = a.cancel(cancelling_with_children(&[])).await;
    assert_eq!(answer, BulkOutcome::new());
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn children_stay_unless_they_are_asked_for(bench: &Bench<'_, impl Backend>) {
    let a = family(bench).await;
    let answer = a.cancel(cancelling(&["parent"])).await;
    assert_eq!(answer, changed(&["parent"]));
    for id in ["child a", "child b", "grandchild"] {
        assert_eq!(a.get(id).await.status, WorkflowStatus::Pending);
    }
}

pub(crate) async fn children_and_theirs_are_cancelled_if_asked_for(
    bench: &Bench<'_, impl Backend>,
) {
    let a = family(bench).await;
    let bystander = a.get("bystander").await;
    let request = cancelling_with_children(&["parent", "grandchild"]);
    let answer = a.cancel(request).await;
    let everybody = ["child a", "child b", "grandchild", "parent"];
    assert_eq!(answer, changed(&everybody), "each once");
    for id in everybody {
        let record = a.get(id).await;
        assert_eq!(record.status, WorkflowStatus::Cancelled);
        assert_eq!(record.completed_at, Some(at(2_000)));
        assert_eq!(record.owner, None);
    }
    assert_eq!(a.get("bystander").await, bystander);
}

pub(crate) async fn children_of_what_has_ended_are_cancelled(bench: &Bench<'_, impl Backend>) {
    let a = family(bench).await;
    let parent = a.get("parent").await.owner.expect("is owned");
    a.finish("parent", parent, success("done")).await;
    let child = a.get("child a").await.owner.expect("is owned");
    a.finish("child a", child, success("done")).await;
    let mut expected = changed(&["child b", "grandchild"]);
    expected.unchanged = vec![("parent".to_owned(), WorkflowStatus::Success)];
    let answer = a.cancel(cancelling_with_children(&["parent"])).await;
    assert_eq!(answer, expected, "a child is no part of the request");
}

pub(crate) async fn what_is_cancelled_still_has_its_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let request = a.insertion("w");
    a.start_as(request.clone()).await;
    a.cancel(cancelling(&["w"])).await;
    let row = a.get("w").await.without_payloads();
    for request in [request, a.insertion("w")] {
        assert_eq!(
            a.insert(request).await,
            InsertOutcome::Existing(row.clone())
        );
    }
}

/// `parent` has `child a` and `child b`; `child a` has `grandchild`. The `bystander` has nobody.
async fn family(bench: &Bench<'_, impl Backend>) -> Executor {
    let a = Executor::launch(bench, "a").await;
    let parent = a.start("parent").await;
    a.start("bystander").await;
    let child = a.child_insertion("child a", "parent", parent, 0);
    let child = a.start_as(child).await;
    let request = a.child_insertion("child b", "parent", parent, 1);
    a.start_as(request).await;
    let request = a.child_insertion("grandchild", "child a", child, 0);
    a.start_as(request).await;
    a
}
