use durable_api::store::{Owner, RecordOutcome, StepRecord};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, at, failure, step, success},
};

pub(crate) async fn a_checkpoint_is_listed_as_it_was_recorded(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    let returned = StepRecord::completed(0, "charge", success("42"), at(5), at(9));
    let failed = StepRecord::completed(1, "ship", failure("no stock"), at(10), at(10));
    let mut bare = StepRecord::completed(2, "mark", success(""), at(11), at(12));
    bare.outcome = None;
    let child = StepRecord::child(3, "delegate", "elsewhere", at(13));
    let steps = [returned, failed, bare, child];
    for step in steps.clone() {
        let answer = a.record("w", owner, step).await;
        assert_eq!(answer, RecordOutcome::Recorded);
    }
    assert_eq!(b.steps("w").await, steps);
}

pub(crate) async fn checkpoints_are_listed_by_number_and_may_have_gaps(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    for step_id in [10, 2, u32::MAX, 9, 0, 100] {
        a.record("w", owner, step(step_id, "done")).await;
    }
    let listed: Vec<_> = a.steps("w").await.iter().map(|one| one.step_id).collect();
    assert_eq!(listed, [0, 2, 9, 10, 100, u32::MAX]);
}

pub(crate) async fn a_long_history_is_listed_completely(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let steps: Vec<_> = (0..250)
        .map(|id| step(id, &format!("value {id}")))
        .collect();
    for step in steps.clone() {
        a.record("w", owner, step).await;
    }
    assert_eq!(a.steps("w").await, steps);
}

pub(crate) async fn the_first_checkpoint_of_a_step_stays(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "first")).await;
    let before = a.contents().await;
    let second = StepRecord::completed(0, "another", failure("second"), at(50), at(60));
    let answer = a.record("w", owner, second).await;
    assert_eq!(answer, RecordOutcome::AlreadyRecorded(step(0, "first")));
    assert_eq!(a.contents().await, before);
}

pub(crate) async fn a_step_that_started_a_child_has_its_checkpoint(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let request = a.child_insertion("child", "w", owner, 0);
    a.start_as(request).await;
    let recorded = a.steps("w").await.remove(0);
    let answer = a.record("w", owner, step(0, "second")).await;
    assert_eq!(answer, RecordOutcome::AlreadyRecorded(recorded));
}

pub(crate) async fn a_checkpoint_does_not_change_the_row(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let before = a.get("w").await;
    a.record("w", owner, step(0, "done")).await;
    assert_eq!(a.get("w").await, before);
}

pub(crate) async fn workflows_do_not_share_steps(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let ids = ["w", "w:1", "w1", "w:1:1"];
    for id in ids {
        let owner = a.start(id).await;
        let answer = a.record(id, owner, step(1, id)).await;
        assert_eq!(answer, RecordOutcome::Recorded, "{id}");
    }
    for id in ids {
        assert_eq!(a.steps(id).await, [step(1, id)]);
    }
}

pub(crate) async fn an_unknown_workflow_has_no_checkpoints(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    assert_eq!(a.steps("w").await, []);
    is_refused(&a, "w", a.owner()).await;
    assert_eq!(a.steps("w").await, []);
}

pub(crate) async fn another_execution_of_the_same_executor_records_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    is_refused(&a, "w", a.owner()).await;
}

pub(crate) async fn another_executor_with_the_same_execution_number_records_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    is_refused(&b, "w", Owner::new(b.incarnation, owner.execution)).await;
}

pub(crate) async fn a_former_owner_records_nothing_and_learns_nothing(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let former = a.start("w").await;
    a.record("w", former, step(0, "done")).await;
    b.expel(&a).await;
    b.take_over("w").await;
    is_refused(&a, "w", former).await;
    // Not even about the step that it recorded itself.
    let answer = a.record("w", former, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::NotOwner);
}

pub(crate) async fn an_expelled_executor_may_record_until_somebody_takes_over(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    b.expel(&a).await;
    let answer = a.record("w", owner, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::Recorded);
    assert_eq!(b.steps("w").await, [step(0, "done")]);
}

pub(crate) async fn a_finished_workflow_takes_no_checkpoint(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    a.finish("w", owner, success("done")).await;
    is_refused(&a, "w", owner).await;
    let answer = a.record("w", owner, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::NotOwner, "also of a recorded step");
}

pub(crate) async fn a_workflow_that_was_handed_back_takes_no_checkpoint(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.retire().await;
    is_refused(&a, "w", owner).await;
}

pub(crate) async fn a_dead_letter_takes_no_checkpoint(bench: &Bench<'_, impl Backend>) {
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
    let answer = a.record(id, owner, step(7, "refused")).await;
    assert_eq!(answer, RecordOutcome::NotOwner);
    assert_eq!(a.contents().await, before);
}
