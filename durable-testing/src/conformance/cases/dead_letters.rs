use durable_api::{
    WorkflowStatus,
    store::{ClaimableWorkflow, ClaimedWorkflows, InsertOutcome},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, NAME, at, step},
};

pub(crate) async fn a_workflow_that_was_lost_too_often_becomes_a_dead_letter(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    a.record("w", owner, step(0, "done")).await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let answer = b.claim_as(b.claiming_up_to(1)).await;
    assert_eq!(answer.claimed.len(), 1, "the one attempt that it has");
    let c = Executor::launch(bench, "c").await;
    c.expel(&b).await;
    let mut expected = c.get("w").await;
    let request = c.claiming_up_to(1);
    let answer = c.claim_as(request.clone()).await;
    assert_eq!(answer.claimed, []);
    assert_eq!(answer.dead_lettered, ["w"]);
    expected.status = WorkflowStatus::MaxRecoveryAttemptsExceeded;
    expected.updated_at = request.now;
    expected.completed_at = Some(request.now);
    assert_eq!(c.get("w").await, expected);
    assert_eq!(c.steps("w").await, [step(0, "done")], "it could be resumed");
}

pub(crate) async fn a_workflow_without_attempts_is_a_dead_letter_at_once(
    bench: &Bench<'_, impl Backend>,
) {
    let (b, answer) = dead_letter(bench).await;
    assert_eq!(answer.claimed, []);
    assert_eq!(answer.dead_lettered, ["w"]);
    assert_eq!(b.get("w").await.recovery_attempts, 0);
}

pub(crate) async fn a_dead_letter_is_claimed_by_nobody(bench: &Bench<'_, impl Backend>) {
    let (b, _) = dead_letter(bench).await;
    let c = Executor::launch(bench, "c").await;
    let before = b.contents().await;
    for executor in [&b, &c] {
        let answer = executor.claim_as(executor.claiming()).await;
        assert_eq!(answer, ClaimedWorkflows::new());
    }
    assert_eq!(b.contents().await, before);
}

pub(crate) async fn a_dead_letter_still_has_its_id(bench: &Bench<'_, impl Backend>) {
    let (b, _) = dead_letter(bench).await;
    let before = b.contents().await;
    let row = b.get("w").await.without_payloads();
    let answer = b.insert(b.insertion("w")).await;
    assert_eq!(answer, InsertOutcome::Existing(row));
    assert_eq!(b.contents().await, before);
}

pub(crate) async fn every_name_has_its_own_limit(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    a.start("checkout").await;
    let mut request = a.insertion("refund");
    request.name = "refund".to_owned();
    a.start_as(request).await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let mut request = b.claiming();
    request.workflows = vec![
        ClaimableWorkflow::new(NAME, u32::MAX),
        ClaimableWorkflow::new("refund", 0),
    ];
    let answer = b.claim_as(request).await;
    assert_eq!(answer.claimed.len(), 1);
    assert_eq!(answer.claimed[0].record.id, "checkout");
    assert_eq!(answer.dead_lettered, ["refund"]);
}

pub(crate) async fn what_was_handed_back_is_claimed_also_at_the_limit(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start("w").await;
    a.retire().await;
    let b = Executor::launch(bench, "b").await;
    let answer = b.claim_as(b.claiming_up_to(0)).await;
    assert_eq!(answer.dead_lettered, Vec::<String>::new());
    assert_eq!(answer.claimed.len(), 1);
}

pub(crate) async fn dead_letters_count_towards_the_limit_of_a_claim(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    for (millis, name) in [(1, "refund"), (2, NAME), (3, "refund"), (4, NAME)] {
        let mut request = a.insertion(&format!("w{millis}"));
        request.name = name.to_owned();
        request.now = at(millis);
        a.start_as(request).await;
    }
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    for (dead, claimed) in [("w1", "w2"), ("w3", "w4")] {
        let mut request = b.claiming();
        request.limit = 2;
        request.workflows = vec![
            ClaimableWorkflow::new(NAME, 1),
            ClaimableWorkflow::new("refund", 0),
        ];
        let answer = b.claim_as(request).await;
        assert_eq!(answer.dead_lettered, [dead]);
        assert_eq!(answer.claimed.len(), 1);
        assert_eq!(answer.claimed[0].record.id, claimed);
        assert!(answer.more || dead == "w3", "two are left");
    }
}

/// The workflow `w`, dead since the claim of the executor that is returned.
async fn dead_letter(bench: &Bench<'_, impl Backend>) -> (Executor, ClaimedWorkflows) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    b.expel(&a).await;
    let answer = b.claim_as(b.claiming_up_to(0)).await;
    (b, answer)
}
