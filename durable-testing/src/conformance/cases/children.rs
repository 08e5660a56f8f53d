use durable_api::store::{FinishOutcome, InsertOutcome, InsertWorkflow, StepRecord};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, NAME, accepted, at, step, success},
};

pub(crate) async fn a_child_and_its_parents_checkpoint_are_written_together(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let request = a.child_insertion("child", "parent", owner, 3);
    a.start_as(request.clone()).await;
    let child = a.get("child").await;
    assert_eq!(child, accepted(&request));
    assert!(child.parent.is_some(), "the row names its parent");
    assert_eq!(
        a.steps("parent").await,
        [StepRecord::child(3, NAME, "child", at(1))]
    );
}

pub(crate) async fn a_parent_may_start_several_children(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    for (step_id, child) in [(1, "second"), (0, "first"), (2, "third")] {
        let request = a.child_insertion(child, "parent", owner, step_id);
        a.start_as(request).await;
    }
    let children: Vec<_> = a.steps("parent").await;
    let children: Vec<_> = children
        .into_iter()
        .filter_map(|one| one.child_id)
        .collect();
    assert_eq!(children, ["first", "second", "third"]);
}

pub(crate) async fn a_child_outlives_its_parent(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let request = a.child_insertion("child", "parent", owner, 0);
    let child = a.start_as(request).await;
    a.finish("parent", owner, success("parent")).await;
    let answer = a.finish("child", child, success("child")).await;
    assert_eq!(answer, FinishOutcome::Finished);
}

pub(crate) async fn a_workflow_that_exists_can_become_the_child_of_a_step(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("parent").await;
    b.start("child").await;
    let row = b.get("child").await;
    let request = a.child_insertion("child", "parent", owner, 0);
    let answer = a.insert(request).await;
    assert_eq!(
        answer,
        InsertOutcome::Existing(row.clone().without_payloads())
    );
    assert_eq!(b.get("child").await, row, "its row is unchanged");
    assert_eq!(
        a.steps("parent").await,
        [StepRecord::child(0, NAME, "child", at(1))]
    );
}

pub(crate) async fn a_parent_taken_over_meets_its_child_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let first = a.start("parent").await;
    let child = a.child_insertion("child", "parent", first, 0);
    let child = a.start_as(child).await;
    a.finish("child", child, success("child")).await;
    b.expel(&a).await;
    let second = b.take_over("parent").await;
    let before = b.contents().await;
    let row = b.get("child").await.without_payloads();
    let again = b.child_insertion("child", "parent", second, 0);
    assert_eq!(b.insert(again).await, InsertOutcome::Existing(row));
    assert_eq!(b.contents().await, before);
}

pub(crate) async fn a_child_id_of_another_name_is_a_conflict_and_leaves_no_checkpoint(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.start("child").await;
    let row = a.get("child").await.without_payloads();
    let mut request = a.child_insertion("child", "parent", owner, 0);
    request.name = "refund".to_owned();
    is_refused(&a, request, InsertOutcome::Conflict(row)).await;
}

pub(crate) async fn a_former_owner_starts_no_child(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let former = a.start("parent").await;
    a.retire().await;
    // The same process rejoins with a new life, and one of its old executions is still running.
    let rejoined = Executor::launch(bench, "a").await;
    rejoined.take_over("parent").await;
    let request = rejoined.child_insertion("child", "parent", former, 0);
    is_refused(&rejoined, request, InsertOutcome::ParentNotOwner).await;
}

pub(crate) async fn another_execution_starts_no_child(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("parent").await;
    let request = a.child_insertion("child", "parent", a.owner(), 0);
    is_refused(&a, request, InsertOutcome::ParentNotOwner).await;
}

pub(crate) async fn a_finished_parent_starts_no_child(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.finish("parent", owner, success("done")).await;
    let request = a.child_insertion("child", "parent", owner, 0);
    is_refused(&a, request, InsertOutcome::ParentNotOwner).await;
}

pub(crate) async fn an_unknown_parent_starts_no_child(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let request = a.child_insertion("child", "parent", a.owner(), 0);
    is_refused(&a, request, InsertOutcome::ParentNotOwner).await;
    assert_eq!(a.steps("parent").await, []);
}

pub(crate) async fn a_step_with_an_outcome_starts_no_child(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.record("parent", owner, step(0, "done")).await;
    let request = a.child_insertion("child", "parent", owner, 0);
    is_refused(&a, request, InsertOutcome::StepTaken(step(0, "done"))).await;
}

pub(crate) async fn a_step_with_a_child_starts_no_other(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let first = a.child_insertion("first", "parent", owner, 0);
    a.start_as(first).await;
    let request = a.child_insertion("second", "parent", owner, 0);
    let taken = StepRecord::child(0, NAME, "first", at(1));
    is_refused(&a, request, InsertOutcome::StepTaken(taken)).await;
}

pub(crate) async fn the_executor_is_judged_before_the_parent(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let stranger = Executor::unregistered(bench, "b").await;
    a.start("parent").await;
    let request = stranger.child_insertion("child", "parent", stranger.owner(), 0);
    is_refused(&stranger, request, InsertOutcome::UnknownExecutor).await;
}

pub(crate) async fn the_parent_is_judged_before_the_step(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.record("parent", owner, step(0, "done")).await;
    let request = a.child_insertion("child", "parent", a.owner(), 0);
    is_refused(&a, request, InsertOutcome::ParentNotOwner).await;
}

pub(crate) async fn the_parent_is_judged_before_the_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("parent").await;
    a.start("child").await;
    let request = a.child_insertion("child", "parent", a.owner(), 0);
    let mut conflict = request.clone();
    conflict.name = "refund".to_owned();
    is_refused(&a, request, InsertOutcome::ParentNotOwner).await;
    is_refused(&a, conflict, InsertOutcome::ParentNotOwner).await;
}

pub(crate) async fn the_step_is_judged_before_the_id(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.start("child").await;
    a.record("parent", owner, step(0, "done")).await;
    let request = a.child_insertion("child", "parent", owner, 0);
    let mut conflict = request.clone();
    conflict.name = "refund".to_owned();
    let taken = InsertOutcome::StepTaken(step(0, "done"));
    is_refused(&a, request, taken.clone()).await;
    is_refused(&a, conflict, taken).await;
}

/// The refusal is the expected one, and nothing was written.
async fn is_refused(a: &Executor, request: InsertWorkflow, refusal: InsertOutcome) {
    let before = a.contents().await;
    assert_eq!(a.insert(request).await, refusal);
    assert_eq!(a.contents().await, before);
}
