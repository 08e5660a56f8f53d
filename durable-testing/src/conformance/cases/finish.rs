use durable_api::{
    WorkflowStatus,
    store::{FinishOutcome, Outcome, Owner},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, at, failure, step, success},
};

pub(crate) async fn a_success_is_recorded(bench: &Bench<'_, impl Backend>) {
    records(bench, success("done"), WorkflowStatus::Success).await;
}

pub(crate) async fn a_failure_is_recorded(bench: &Bench<'_, impl Backend>) {
    records(bench, failure("broken"), WorkflowStatus::Error).await;
}

async fn records(bench: &Bench<'_, impl Backend>, outcome: Outcome, status: WorkflowStatus) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    let mut expected = a.get("w").await;
    let answer = a.finish("w", owner, outcome.clone()).await;
    assert_eq!(answer, FinishOutcome::Finished);
    expected.status = status;
    expected.outcome = Some(outcome);
    expected.updated_at = at(500);
    expected.completed_at = Some(at(500));
    assert_eq!(b.get("w").await, expected, "its owner stays on record");
    assert_eq!(b.steps("w").await, [step(0, "done")]);
}

pub(crate) async fn the_first_outcome_of_an_owner_stays(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.finish("w", owner, success("first")).await;
    let before = a.contents().await;
    let answer = a.finish("w", owner, failure("second")).await;
    assert_eq!(answer, FinishOutcome::Finished);
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn an_unknown_workflow_has_no_owner(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    is_refused(&a, "w", a.owner()).await;
}

pub(crate) async fn another_execution_of_the_same_executor_cannot_finish(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    is_refused(&a, "w", a.owner()).await;
}

pub(crate) async fn another_executor_with_the_same_execution_number_cannot_finish(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    is_refused(&b, "w", Owner::new(b.incarnation, owner.execution)).await;
}

pub(crate) async fn a_former_owner_cannot_finish(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let former = a.start("w").await;
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    is_refused(&a, "w", former).await;
    let answer = b.finish("w", owner, success("done")).await;
    assert_eq!(answer, FinishOutcome::Finished);
    is_refused(&a, "w", former).await;
}

pub(crate) async fn an_expelled_executor_may_finish_until_somebody_takes_over(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    b.expel(&a).await;
    let answer = a.finish("w", owner, success("done")).await;
    assert_eq!(answer, FinishOutcome::Finished);
    assert_eq!(b.claim().await, Vec::<String>::new());
    assert_eq!(b.get("w").await.status, WorkflowStatus::Success);
}

pub(crate) async fn whoever_handed_back_cannot_finish(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.retire().await;
    is_refused(&a, "w", owner).await;
}

pub(crate) async fn the_last_owner_of_a_dead_letter_cannot_finish(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    b.expel(&a).await;
    b.claim_as(b.claiming_up_to(0)).await;
    is_refused(&a, "w", owner).await;
}

/// The owner is told that it is none, and nothing was written.
async fn is_refused(a: &Executor, id: &str, owner: Owner) {
    let before = a.contents().await;
    let answer = a.finish(id, owner, success("refused")).await;
    assert_eq!(answer, FinishOutcome::NotOwner);
    assert_eq!(a.contents().await, before);
}
