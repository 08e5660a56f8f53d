//! Every write is repeated after its answer was lost: it answers as it would have the first time,
//! and changes nothing.
use durable_api::store::{
    ClaimWorkflows, ClaimedWorkflow, ExpelExecutor, ExpelOutcome, FinishOutcome, FinishWorkflow,
    InsertOutcome, InsertWorkflow, Outcome, RecordOutcome, RecordStep, RegisterVersion,
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{APP, Executor, at, failure, repeat, step, success},
};

pub(crate) async fn a_registration_repeated_is_registered_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::unregistered(bench, "a").await;
    repeat(bench, async |store| {
        store.register_executor(a.registration()).await
    })
    .await;
    assert_eq!(a.executors().await.len(), 1);
}

pub(crate) async fn a_registration_that_supersedes_repeated_keeps_the_new_life(
    bench: &Bench<'_, impl Backend>,
) {
    Executor::launch(bench, "a").await;
    let new = Executor::unregistered(bench, "a").await;
    repeat(bench, async |store| {
        store.register_executor(new.registration()).await
    })
    .await;
    let listed = new.executors().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].incarnation, new.incarnation);
}

pub(crate) async fn an_expulsion_repeated_is_expelled(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.beat().await;
    let answer = repeat(bench, async |store| {
        let request = ExpelExecutor::new(a.incarnation, 1);
        store.expel_executor(request).await
    })
    .await;
    assert_eq!(answer, ExpelOutcome::Expelled);
}

pub(crate) async fn a_retirement_repeated_hands_back_once(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    repeat(bench, async |store| {
        store.retire_executor(a.incarnation).await
    })
    .await;
    b.take_over("w").await;
    assert_eq!(b.get("w").await.recovery_attempts, 0);
}

pub(crate) async fn a_retirement_repeated_leaves_what_was_claimed_in_between(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    a.retire().await;
    let owner = b.take_over("w").await;
    assert_eq!(a.retire().await, 0);
    assert_eq!(b.get("w").await.owner, Some(owner));
}

pub(crate) async fn a_version_repeated_is_registered_once(bench: &Bench<'_, impl Backend>) {
    repeat(bench, async |store| {
        let request = RegisterVersion::new(APP, "v1", at(7));
        store.register_version(request).await
    })
    .await;
}

pub(crate) async fn an_insertion_repeated_is_inserted(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let request = a.insertion("w");
    assert_eq!(insert_twice(bench, &request).await, InsertOutcome::Inserted);
}

pub(crate) async fn a_childs_insertion_repeated_is_inserted(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let request = a.child_insertion("child", "parent", owner, 0);
    assert_eq!(insert_twice(bench, &request).await, InsertOutcome::Inserted);
    assert_eq!(a.steps("parent").await.len(), 1);
}

pub(crate) async fn a_childs_insertion_repeated_still_meets_the_childs_earlier_row(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    a.start("child").await;
    let row = a.get("child").await.without_payloads();
    let request = a.child_insertion("child", "parent", owner, 0);
    let answer = insert_twice(bench, &request).await;
    assert_eq!(answer, InsertOutcome::Existing(row));
}

async fn insert_twice(bench: &Bench<'_, impl Backend>, request: &InsertWorkflow) -> InsertOutcome {
    repeat(bench, async |store| {
        store.insert_workflow(request.clone()).await
    })
    .await
}

pub(crate) async fn a_childs_insertion_repeated_by_a_former_owner_is_refused(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let request = a.child_insertion("child", "parent", owner, 0);
    a.start_as(request.clone()).await;
    a.finish("parent", owner, success("done")).await;
    assert_eq!(a.insert(request).await, InsertOutcome::ParentNotOwner);
}

pub(crate) async fn a_checkpoint_repeated_is_answered_with_itself(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let answer = repeat(bench, async |store| {
        let request = RecordStep::new("w", owner, step(0, "done"));
        store.record_step(request).await
    })
    .await;
    assert_eq!(answer, RecordOutcome::AlreadyRecorded(step(0, "done")));
}

pub(crate) async fn a_checkpoint_repeated_after_a_takeover_is_refused(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let former = a.start("w").await;
    a.record("w", former, step(0, "done")).await;
    b.expel(&a).await;
    b.take_over("w").await;
    let answer = a.record("w", former, step(0, "done")).await;
    assert_eq!(answer, RecordOutcome::NotOwner);
    assert_eq!(b.steps("w").await, [step(0, "done")], "it counts");
}

pub(crate) async fn a_success_repeated_is_finished(bench: &Bench<'_, impl Backend>) {
    finish_twice(bench, success("done")).await;
}

pub(crate) async fn a_failure_repeated_is_finished(bench: &Bench<'_, impl Backend>) {
    finish_twice(bench, failure("broken")).await;
}

async fn finish_twice(bench: &Bench<'_, impl Backend>, outcome: Outcome) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let answer = repeat(bench, async |store| {
        let request = FinishWorkflow::new("w", owner, outcome.clone(), at(9));
        store.finish_workflow(request).await
    })
    .await;
    assert_eq!(answer, FinishOutcome::Finished);
    assert_eq!(a.get("w").await.outcome, Some(outcome));
}

pub(crate) async fn an_outcome_repeated_when_its_executor_is_gone_is_finished(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.finish("w", owner, success("done")).await;
    a.retire().await;
    let answer = a.finish("w", owner, success("done")).await;
    assert_eq!(answer, FinishOutcome::Finished);
}

pub(crate) async fn a_claim_repeated_answers_the_same_workflows(bench: &Bench<'_, impl Backend>) {
    let (a, b) = orphans(bench).await;
    let request = b.claiming();
    let answer = claim_twice(bench, &request).await;
    let ids: Vec<_> = answer.iter().map(|one| &*one.record.id).collect();
    assert_eq!(ids, ["w1", "w2", "w3"]);
    for claimed in answer {
        assert_eq!(claimed.record.recovery_attempts, 1, "counted once");
        assert_eq!(claimed.record.owner, Some(request.owner));
        assert_eq!(claimed.history, [step(0, &claimed.record.id)]);
        assert_eq!(claimed.record, a.get(&claimed.record.id).await);
    }
}

pub(crate) async fn a_claim_repeated_takes_no_more_than_its_limit(bench: &Bench<'_, impl Backend>) {
    let (_, b) = orphans(bench).await;
    let mut request = b.claiming();
    request.limit = 2;
    let answer = claim_twice(bench, &request).await;
    let ids: Vec<_> = answer.iter().map(|one| &*one.record.id).collect();
    assert_eq!(ids, ["w1", "w2"]);
    assert_eq!(b.claim().await, ["w3"], "which another claim may take");
}

pub(crate) async fn a_claim_at_the_last_attempt_repeated_makes_no_dead_letter(
    bench: &Bench<'_, impl Backend>,
) {
    let (_, b) = orphans(bench).await;
    let request = b.claiming_up_to(1);
    assert_eq!(claim_twice(bench, &request).await.len(), 3);
}

pub(crate) async fn a_claim_of_what_was_handed_back_repeated_costs_no_attempt(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    a.retire().await;
    let answer = claim_twice(bench, &b.claiming_up_to(0)).await;
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0].record.recovery_attempts, 0);
}

pub(crate) async fn a_claim_that_made_dead_letters_repeated_makes_no_more(
    bench: &Bench<'_, impl Backend>,
) {
    let (_, b) = orphans(bench).await;
    assert_eq!(claim_twice(bench, &b.claiming_up_to(0)).await, []);
}

pub(crate) async fn a_claim_repeated_leaves_out_what_was_finished_since(
    bench: &Bench<'_, impl Backend>,
) {
    let (_, b) = orphans(bench).await;
    let request = b.claiming();
    b.claim_as(request.clone()).await;
    b.finish("w2", request.owner, success("done")).await;
    let again = b.claim_as(request).await.claimed;
    let ids: Vec<_> = again.iter().map(|one| &*one.record.id).collect();
    assert_eq!(ids, ["w1", "w3"]);
}

/// Workflows `w1`, `w2` and `w3` of an expelled executor, and the executor that may claim them.
async fn orphans(bench: &Bench<'_, impl Backend>) -> (Executor, Executor) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for (millis, id) in [(1, "w1"), (2, "w2"), (3, "w3")] {
        let mut request = a.insertion(id);
        request.now = at(millis);
        let owner = a.start_as(request).await;
        a.record(id, owner, step(0, id)).await;
    }
    b.expel(&a).await;
    (a, b)
}

async fn claim_twice(
    bench: &Bench<'_, impl Backend>,
    request: &ClaimWorkflows,
) -> Vec<ClaimedWorkflow> {
    let answer = repeat(bench, async |store| {
        store.claim_workflows(request.clone()).await
    });
    answer.await.claimed
}
