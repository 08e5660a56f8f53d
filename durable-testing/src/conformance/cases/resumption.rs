use durable_api::{
    WorkflowStatus,
    store::{BulkOutcome, FinishOutcome},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        Executor, at, cancelling, changed, end_in_every_way, is_fenced_out, recorded, resuming,
        step, success,
    },
};

pub(crate) async fn a_cancelled_workflow_is_pending_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.deadline = Some(at(50));
    let owner = a.start_as(request).await;
    a.record("w", owner, step(0, "done")).await;
    a.set_event(recorded("w", owner, 1), "key", "value").await;
    let steps = a.steps("w").await;
    let mut expected = a.get("w").await;
    a.cancel(cancelling(&["w"])).await;
    assert_eq!(a.resume(resuming(&["w"])).await, changed(&["w"]));
    expected.owner = None;
    expected.deadline = None;
    expected.updated_at = at(3_000);
    assert_eq!(a.get("w").await, expected);
    assert_eq!(a.steps("w").await, steps, "from the last completed step");
    assert_eq!(a.events("w").await.len(), 1);
}

pub(crate) async fn a_dead_letter_is_pending_again_and_has_all_its_attempts(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    a.start("w").await;
    b.expel(&a).await;
    b.claim_as(b.claiming_up_to(1)).await;
    let mut expected = b.get("w").await;
    c.expel(&b).await;
    let dead = c.claim_as(c.claiming_up_to(1)).await.dead_lettered;
    assert_eq!(dead, ["w"]);
    assert_eq!(c.resume(resuming(&["w"])).await, changed(&["w"]));
    expected.owner = None;
    expected.recovery_attempts = 0;
    expected.updated_at = at(3_000);
    assert_eq!(c.get("w").await, expected);

    assert_eq!(c.claim_as(c.claiming_up_to(1)).await.claimed.len(), 1);
    let d = Executor::launch(bench, "d").await;
    d.expel(&c).await;
    let answer = d.claim_as(d.claiming_up_to(1)).await;
    assert_eq!(answer.claimed.len(), 1, "the one attempt that it has again");
    assert_eq!(answer.claimed[0].record.recovery_attempts, 1);
}

pub(crate) async fn what_returned_stays_as_it_is(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |_, _, _| {}).await;
    let before = watcher.contents().await;
    let mut expected = BulkOutcome::new();
    expected.unchanged = vec![
        ("error".to_owned(), WorkflowStatus::Error),
        ("success".to_owned(), WorkflowStatus::Success),
    ];
    let answer = watcher.resume(resuming(&["success", "error"])).await;
    assert_eq!(answer, expected);
    assert_eq!(watcher.contents().await, before);
}

pub(crate) async fn what_is_pending_stays_as_it_is(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.deadline = Some(at(50));
    let owner = a.start_as(request).await;
    let before = a.contents().await;
    let mut expected = BulkOutcome::new();
    expected.unchanged = vec![("w".to_owned(), WorkflowStatus::Pending)];
    assert_eq!(a.resume(resuming(&["w"])).await, expected);
    assert_eq!(a.contents().await, before);
    let answer = a.finish("w", owner, success("done")).await;
    assert_eq!(answer, FinishOutcome::Finished);
}

pub(crate) async fn the_answer_sorts_what_it_names(bench: &Bench<'_, impl Backend>) {
    let watcher = end_in_every_way(bench, async |_, _, _| {}).await;
    watcher.start("pending").await;
    let ids = [
        "no b",
        "success",
        "dead letter",
        "pending",
        "cancelled",
        "error",
        "no a",
        "cancelled",
        "no b",
    ];
    let mut expected = changed(&["cancelled", "dead letter"]);
    expected.unchanged = vec![
        ("error".to_owned(), WorkflowStatus::Error),
        ("pending".to_owned(), WorkflowStatus::Pending),
        ("success".to_owned(), WorkflowStatus::Success),
    ];
    expected.unknown = vec!["no a".to_owned(), "no b".to_owned()];
    assert_eq!(watcher.resume(resuming(&ids)).await, expected, "each once");
    assert_eq!(watcher.resume(resuming(&[])).await, BulkOutcome::new());
}

pub(crate) async fn any_executor_claims_what_was_resumed_at_no_attempts_cost(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    let started = a.get("w").await.started_at;
    a.cancel(cancelling(&["w"])).await;
    a.resume(resuming(&["w"])).await;
    let answer = b.claim_as(b.claiming_up_to(0)).await;
    assert_eq!(answer.dead_lettered, Vec::<String>::new());
    assert_eq!(answer.claimed.len(), 1);
    assert_eq!(answer.claimed[0].history, [step(0, "done")]);
    let record = &answer.claimed[0].record;
    assert_eq!(record.recovery_attempts, 0);
    assert_eq!(record.executor_id.as_deref(), Some("b"));
    assert_eq!(record.started_at, started, "when it was first taken up");
    let owner = record.owner.expect("is owned");
    b.record("w", owner, step(1, "done")).await;
    let answer = b.finish("w", owner, success("done")).await;
    assert_eq!(answer, FinishOutcome::Finished);
    assert_eq!(a.get("w").await.outcome, Some(success("done")));
}

pub(crate) async fn whoever_ran_it_stays_fenced_out(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.cancel(cancelling(&["w"])).await;
    a.resume(resuming(&["w"])).await;
    is_fenced_out(&a, "w", owner).await;
    a.take_over("w").await;
    is_fenced_out(&a, "w", owner).await;
}

pub(crate) async fn resuming_again_takes_nothing_from_its_new_owner(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    a.cancel(cancelling(&["w"])).await;
    a.resume(resuming(&["w"])).await;
    let owner = b.take_over("w").await;
    let mut expected = BulkOutcome::new();
    expected.unchanged = vec![("w".to_owned(), WorkflowStatus::Pending)];
    assert_eq!(a.resume(resuming(&["w"])).await, expected);
    let answer = b.finish("w", owner, success("done")).await;
    assert_eq!(answer, FinishOutcome::Finished);
}

pub(crate) async fn what_was_resumed_may_be_cancelled_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    for _ in 0..3 {
        assert_eq!(a.cancel(cancelling(&["w"])).await, changed(&["w"]));
        assert_eq!(a.resume(resuming(&["w"])).await, changed(&["w"]));
        a.take_over("w").await;
    }
    assert_eq!(a.get("w").await.recovery_attempts, 0);
}
