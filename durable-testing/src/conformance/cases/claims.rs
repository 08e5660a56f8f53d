use durable_api::store::{ClaimableWorkflow, FinishOutcome, Owner, RecordOutcome, StepRecord};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, NAME, at, step, success},
};

pub(crate) async fn what_a_living_executor_runs_is_not_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    claims_nothing(&b).await;
    claims_nothing(&a).await;
}

pub(crate) async fn what_an_expelled_executor_ran_is_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    let mut expected = a.get("w").await;
    b.expel(&a).await;
    let request = b.claiming();
    let answer = b.claim_as(request.clone()).await;
    expected.owner = Some(request.owner);
    expected.executor_id = Some("b".to_owned());
    expected.recovery_attempts = 1;
    expected.updated_at = request.now;
    assert_eq!(answer.claimed.len(), 1);
    assert_eq!(answer.claimed[0].record, expected, "with its input");
    assert_eq!(answer.claimed[0].history, []);
    assert_eq!(answer.dead_lettered, Vec::<String>::new());
    assert!(!answer.more);
    assert_eq!(a.get("w").await, expected);
}

pub(crate) async fn what_an_earlier_life_ran_is_claimed_by_the_next(
    bench: &Bench<'_, impl Backend>,
) {
    let old = Executor::launch(bench, "a").await;
    old.start("w").await;
    let new = Executor::launch(bench, "a").await;
    let owner = new.take_over("w").await;
    let record = new.get("w").await;
    assert_eq!(record.owner, Some(owner));
    assert_eq!(record.recovery_attempts, 1);
}

pub(crate) async fn what_was_handed_back_is_claimed_and_costs_no_attempt(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    a.start("w").await;
    a.retire().await;
    let owner = b.take_over("w").await;
    let record = b.get("w").await;
    assert_eq!(record.owner, Some(owner));
    assert_eq!(record.executor_id.as_deref(), Some("b"));
    assert_eq!(record.recovery_attempts, 0);
}

pub(crate) async fn what_was_claimed_is_not_claimed_again(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    a.start("w").await;
    b.expel(&a).await;
    b.take_over("w").await;
    claims_nothing(&c).await;
    claims_nothing(&b).await;
}

pub(crate) async fn a_finished_workflow_is_not_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let owner = a.start("w").await;
    a.finish("w", owner, success("done")).await;
    b.expel(&a).await;
    claims_nothing(&b).await;
}

pub(crate) async fn another_application_is_not_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.app = "warehouse".to_owned();
    a.start_as(request).await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    claims_nothing(&b).await;
    let mut request = b.claiming();
    request.app = "warehouse".to_owned();
    assert_eq!(b.claim_as(request).await.claimed.len(), 1);
}

pub(crate) async fn another_version_is_not_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("w");
    request.version = Some("v2".to_owned());
    a.start_as(request).await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let mut request = b.claiming();
    request.unversioned = true;
    assert_eq!(b.claim_as(request).await.claimed, []);
    let mut request = b.claiming();
    request.version = "v2".to_owned();
    assert_eq!(b.claim_as(request).await.claimed.len(), 1);
}

pub(crate) async fn another_name_is_not_claimed(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for name in ["refund", "shipment", "Refund"] {
        let mut request = a.insertion(name);
        request.name = name.to_owned();
        a.start_as(request).await;
    }
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    claims_nothing(&b).await;
    let mut request = b.claiming();
    request.workflows = Vec::new();
    assert_eq!(b.claim_as(request).await.claimed, []);
    let mut request = b.claiming();
    request.workflows = vec![
        ClaimableWorkflow::new(NAME, 100),
        ClaimableWorkflow::new("refund", 100),
        ClaimableWorkflow::new("shipment", 100),
    ];
    let claimed = b.claim_as(request).await.claimed;
    let mut names: Vec<_> = claimed.iter().map(|one| one.record.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["refund", "shipment"]);
}

pub(crate) async fn unversioned_work_is_claimed_only_if_asked_for(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let mut request = a.insertion("unversioned");
    request.version = None;
    a.start_as(request).await;
    a.start("versioned").await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    assert_eq!(b.claim().await, ["versioned"]);
    let mut request = b.claiming();
    request.unversioned = true;
    let claimed = b.claim_as(request).await.claimed;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].record.id, "unversioned");
    assert_eq!(claimed[0].record.version, None, "and stays unversioned");
}

pub(crate) async fn one_claim_may_take_versioned_and_unversioned_work(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    a.start("versioned").await;
    let mut request = a.insertion("unversioned");
    request.version = None;
    a.start_as(request).await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let mut request = b.claiming();
    request.unversioned = true;
    assert_eq!(b.claim_as(request).await.claimed.len(), 2);
}

pub(crate) async fn one_claim_may_take_from_several_executors(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let c = Executor::launch(bench, "c").await;
    start_at(&a, "of a", 1).await;
    start_at(&b, "of b", 2).await;
    start_at(&c, "of c", 3).await;
    c.expel(&a).await;
    b.retire().await;
    assert_eq!(c.claim().await, ["of a", "of b"]);
}

pub(crate) async fn the_oldest_are_claimed_first(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (id, millis) in [("c", 30), ("a", 20), ("d", 10), ("b", 40)] {
        start_at(&a, id, millis).await;
    }
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let mut request = b.claiming();
    request.limit = 3;
    let answer = b.claim_as(request).await;
    let claimed: Vec<_> = answer.claimed.iter().map(|one| &*one.record.id).collect();
    assert_eq!(claimed, ["d", "a", "c"]);
    assert!(answer.more);
    assert_eq!(b.claim().await, ["b"]);
}

pub(crate) async fn a_claim_says_whether_there_may_be_more(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for id in ["w1", "w2", "w3", "w4", "w5"] {
        a.start(id).await;
    }
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let mut sizes = Vec::new();
    loop {
        let mut request = b.claiming();
        request.limit = 2;
        let answer = b.claim_as(request).await;
        sizes.push(answer.claimed.len());
        if !answer.more {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
}

pub(crate) async fn a_claim_brings_the_history_in_its_order(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    for step_id in [2, 0, 10] {
        a.record("w", owner, step(step_id, "done")).await;
    }
    let child = a.child_insertion("child", "w", owner, 1);
    let child = a.start_as(child).await;
    a.finish("child", child, success("done")).await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let claimed = b.claim_as(b.claiming()).await.claimed;
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        claimed[0].history,
        [
            step(0, "done"),
            StepRecord::child(1, NAME, "child", at(1)),
            step(2, "done"),
            step(10, "done"),
        ]
    );
}

pub(crate) async fn every_claimed_workflow_has_its_own_history(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    for (millis, id) in ["none", "one", "two"].into_iter().enumerate() {
        let owner = start_at(&a, id, millis as i64).await;
        for step_id in 0..u32::try_from(millis).expect("is small") {
            a.record(id, owner, step(step_id, id)).await;
        }
    }
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    let claimed = b.claim_as(b.claiming()).await.claimed;
    let histories: Vec<_> = claimed.into_iter().map(|one| one.history).collect();
    assert_eq!(
        histories,
        [
            vec![],
            vec![step(0, "one")],
            vec![step(0, "two"), step(1, "two")],
        ]
    );
}

pub(crate) async fn a_claimed_child_keeps_its_parent(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("parent").await;
    let child = a.child_insertion("child", "parent", owner, 0);
    a.start_as(child).await;
    let before = a.get("child").await;
    let b = Executor::launch(bench, "b").await;
    b.expel(&a).await;
    assert_eq!(b.claim().await, ["parent", "child"]);
    assert_eq!(b.get("child").await.parent, before.parent);
}

pub(crate) async fn the_new_owner_writes_on_where_the_former_was(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let former = a.start("w").await;
    a.record("w", former, step(0, "by a")).await;
    b.expel(&a).await;
    let owner = b.take_over("w").await;
    let again = b.record("w", owner, step(0, "by b")).await;
    assert_eq!(again, RecordOutcome::AlreadyRecorded(step(0, "by a")));
    let next = b.record("w", owner, step(1, "by b")).await;
    assert_eq!(next, RecordOutcome::Recorded);
    let end = b.finish("w", owner, success("done")).await;
    assert_eq!(end, FinishOutcome::Finished);
    assert_eq!(a.steps("w").await, [step(0, "by a"), step(1, "by b")]);
}

pub(crate) async fn every_death_costs_an_attempt(bench: &Bench<'_, impl Backend>) {
    let mut last = Executor::launch(bench, "life 0").await;
    last.start("w").await;
    let started = last.get("w").await.started_at;
    for attempt in 1..=4 {
        let next = Executor::launch(bench, &format!("life {attempt}")).await;
        next.expel(&last).await;
        next.take_over("w").await;
        let record = next.get("w").await;
        assert_eq!(record.recovery_attempts, attempt);
        assert_eq!(record.started_at, started, "when it was first taken up");
        last = next;
    }
}

async fn start_at(a: &Executor, id: &str, millis: i64) -> Owner {
    let mut request = a.insertion(id);
    request.now = at(millis);
    a.start_as(request).await
}

/// A claim is empty, and changes nothing.
async fn claims_nothing(executor: &Executor) {
    let before = executor.contents().await;
    let answer = executor.claim_as(executor.claiming()).await;
    assert_eq!(answer.claimed, []);
    assert_eq!(answer.dead_lettered, Vec::<String>::new());
    assert!(!answer.more);
    assert_eq!(executor.contents().await, before);
}
