use durable_api::store::{
    BulkOutcome, EventLookup, Owner, RecordOutcome, SendOutcome, SetAttributes, StreamState,
    WorkflowFilter,
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        ENDINGS, Executor, HOSTILE_TEXTS, STREAM, accepted, appended, appending, at, changed,
        closing, deleting, deleting_with_children, effect, end_in_every_way, expiring, inside,
        is_fenced_out, json, message, receiving, recorded, step, text,
    },
};

pub(crate) async fn nothing_is_left_of_a_deleted_workflow(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    leave_everything(&a, owner).await;
    assert_eq!(b.delete(deleting(&["w"])).await, changed(&["w"]));
    assert_eq!(a.find("w").await, None);
    assert_eq!(a.list(WorkflowFilter::new()).await, Vec::<String>::new());
    assert_eq!(a.steps("w").await, []);
    assert_eq!(a.events("w").await, []);
    assert_eq!(a.event("w", "key").await, EventLookup::UnknownWorkflow);
    let page = a.read("w", STREAM).await;
    assert_eq!(page.state, StreamState::UnknownWorkflow);
    assert_eq!(page.values, []);
    let answer = a.send(message("w", "topic", "late")).await;
    assert_eq!(answer, SendOutcome::UnknownDestination);
}

pub(crate) async fn an_id_that_was_deleted_starts_clean(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let first = a.start("w").await;
    leave_everything(&a, first).await;
    let write = appending(inside("w", first, 8), "known");
    a.append(write.clone()).await;
    let mut close = closing(inside("w", first, 8));
    close.key = "closed".to_owned();
    a.append(close).await;
    a.delete(deleting(&["w"])).await;
    let mut request = a.insertion("w");
    request.name = "refund".to_owned();
    let owner = a.start_as(request.clone()).await;
    assert_eq!(a.get("w").await, accepted(&request));
    assert_eq!(a.steps("w").await, []);
    assert_eq!(a.events("w").await, []);
    assert_eq!(a.event("w", "key").await, EventLookup::Absent);
    for key in [STREAM, "closed"] {
        let page = a.read("w", key).await;
        assert_eq!((page.values, page.state), (vec![], StreamState::Open));
    }
    let mut write = write;
    write.step.owner = owner;
    assert_eq!(a.append(write).await, appended(0), "its id is forgotten");
    assert_eq!(a.drain("w", owner, 100, "topic").await, []);
    a.send(message("w", "topic", "known")).await;
    let messages = a.drain("w", owner, 100, "topic").await;
    assert_eq!(messages, [text("known")], "its id is forgotten");
    is_fenced_out(&a, "w", first).await;
    let answer = a.record("w", owner, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
}

pub(crate) async fn whoever_runs_it_can_write_no_more(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.delete(deleting(&["w"])).await;
    is_fenced_out(&a, "w", owner).await;
    assert_eq!(a.find("w").await, None);
    assert_eq!(a.steps("w").await, []);
    a.start("w").await;
    is_fenced_out(&a, "w", owner).await;
}

pub(crate) async fn every_status_can_be_deleted(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |_, _, _| {}).await;
    for (id, _) in ENDINGS {
        assert_eq!(watcher.delete(deleting(&[id])).await, changed(&[id]));
        assert_eq!(watcher.find(id).await, None);
    }
}

pub(crate) async fn the_answer_sorts_what_it_names(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |_, _, _| {}).await;
    watcher.start("pending").await;
    let ids = [
        "no b", "success", "pending", "no a", "error", "success", "no b",
    ];
    let mut expected = changed(&["error", "pending", "success"]);
    expected.unknown = vec!["no a".to_owned(), "no b".to_owned()];
    assert_eq!(watcher.delete(deleting(&ids)).await, expected, "each once");
    assert_eq!(watcher.delete(deleting(&[])).await, BulkOutcome::new());
    let left = watcher.list(WorkflowFilter::new()).await;
    assert_eq!(left, ["cancelled", "dead letter"]);
}

pub(crate) async fn children_stay_unless_they_are_asked_for(bench: &Bench<'_, impl Backend>) {
    let (a, _, child) = family(bench).await;
    a.delete(deleting(&["parent"])).await;
    let left = a.list(WorkflowFilter::new()).await;
    assert_eq!(left, ["bystander", "child", "grandchild"]);
    let answer = a.record("child", child, step(1, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
}

pub(crate) async fn children_and_theirs_are_deleted_if_asked_for(bench: &Bench<'_, impl Backend>) {
    let (a, _, child) = family(bench).await;
    let request = deleting_with_children(&["parent", "grandchild"]);
    let answer = a.delete(request).await;
    let everybody = ["child", "grandchild", "parent"];
    assert_eq!(answer, changed(&everybody), "each once");
    assert_eq!(a.list(WorkflowFilter::new()).await, ["bystander"]);
    is_fenced_out(&a, "child", child).await;
    for id in everybody {
        assert_eq!(a.steps(id).await, []);
    }
}

pub(crate) async fn a_parent_keeps_the_checkpoint_of_a_deleted_child(
    bench: &Bench<'_, impl Backend>,
) {
    let (a, parent, _) = family(bench).await;
    let steps = a.steps("parent").await;
    assert_eq!(steps[0].child_id.as_deref(), Some("child"));
    a.delete(deleting_with_children(&["child"])).await;
    assert_eq!(a.steps("parent").await, steps);
    let answer = a.record("parent", parent, step(1, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
}

pub(crate) async fn other_workflows_keep_what_is_theirs(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut owners = Vec::new();
    for id in HOSTILE_TEXTS {
        let owner = a.start(id).await;
        a.set_event(recorded(id, owner, 0), "key", id).await;
        a.append(appending(recorded(id, owner, 1), id)).await;
        a.send(message(id, "topic", id)).await;
        owners.push(owner);
    }
    let (deleted, left) = HOSTILE_TEXTS.split_at(HOSTILE_TEXTS.len() / 2);
    a.delete(deleting(deleted)).await;
    let owners = &owners[deleted.len()..];
    for (id, owner) in left.iter().zip(owners) {
        assert_eq!(a.steps(id).await, [effect(0), effect(1)], "{id:?}");
        assert_eq!(a.events(id).await, [("key".to_owned(), text(id))]);
        assert_eq!(a.read(id, STREAM).await.values, [text(id)]);
        assert_eq!(a.drain(id, *owner, 2, "topic").await, [text(id)]);
    }
    for id in deleted {
        assert_eq!(a.find(id).await, None);
    }
}

pub(crate) async fn what_is_deleted_is_not_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for id in ["w1", "w2"] {
        let mut request = a.insertion(id);
        request.deadline = Some(at(1));
        a.start_as(request).await;
    }
    b.expel(&a).await;
    b.delete(deleting(&["w1"])).await;
    assert_eq!(b.claim().await, ["w2"]);
    assert_eq!(b.cancel_expired(expiring(1)).await, ["w2"]);
    b.delete(deleting(&["w2"])).await;
    assert_eq!(b.retire().await, 0);
}

/// Everything that can belong to the workflow `w`.
async fn leave_everything(a: &Executor, owner: Owner) {
    a.record("w", owner, step(0, "done")).await;
    a.set_event(recorded("w", owner, 1), "key", "value").await;
    a.append(appending(recorded("w", owner, 2), "v")).await;
    for message_id in ["known", "waiting"] {
        a.send(message("w", "topic", message_id)).await;
    }
    let request = receiving(recorded("w", owner, 3), "topic");
    a.receive(request).await;
    let attributes = json(r#"{"priority": 7}"#);
    let request = SetAttributes::new("w", attributes, at(20));
    a.store.set_attributes(request).await.expect("sets");
}

/// `parent` has `child`, which has `grandchild`; the `bystander` has nobody. With the owners of the first two.
async fn family(bench: &Bench<'_, impl Backend>) -> (Executor, Owner, Owner) {
    let a = Executor::launch(bench, "a").await;
    let parent = a.start("parent").await;
    a.start("bystander").await;
    let child = a.child_insertion("child", "parent", parent, 0);
    let child = a.start_as(child).await;
    let request = a.child_insertion("grandchild", "child", child, 0);
    a.start_as(request).await;
    (a, parent, child)
}
