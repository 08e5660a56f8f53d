//! A process that is declared dead while it writes: the write is refused, or the next owner knows of it.
use std::sync::Arc;

use durable_api::store::{
    ClaimedWorkflow, ExpelExecutor, ExpelOutcome, FinishOutcome, FinishWorkflow, InsertOutcome,
    RecordOutcome, RecordStep,
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{Executor, ROUNDS, at, both, persist, step, success},
};

pub(crate) async fn a_late_checkpoint_is_refused_or_in_the_history(
    bench: &Bench<'_, impl Backend>,
) {
    let b = Arc::new(Executor::launch(bench, "b").await);
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let a = process.relaunch().await;
        let former = a.start(&id).await;
        b.expel(&a).await;
        let store = Arc::clone(&a.store);
        let request = RecordStep::new(&id, former, step(0, "late"));
        let late = async move { persist(|| store.record_step(request.clone())).await };
        let claimer = Arc::clone(&b);
        let claim = async move { claimer.claim_as(claimer.claiming()).await.claimed };
        let (late, claimed) = both(late, claim).await;
        let claimed = or_now(&b, claimed).await;
        assert_eq!(claimed.len(), 1);
        let expected = match late {
            RecordOutcome::Recorded => vec![step(0, "late")],
            RecordOutcome::NotOwner => vec![],
            RecordOutcome::AlreadyRecorded(_) => panic!("nobody else records"),
        };
        assert_eq!(claimed[0].history, expected);
        assert_eq!(b.steps(&id).await, expected);
    }
}

pub(crate) async fn a_late_child_is_refused_or_in_the_history(bench: &Bench<'_, impl Backend>) {
    let b = Arc::new(Executor::launch(bench, "b").await);
    let rejoined = Executor::launch(bench, "rejoined").await;
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let child = format!("child of {id}");
        let a = process.relaunch().await;
        let former = a.start(&id).await;
        b.expel(&a).await;
        // Its parent is a former owner's, though its own executor is registered.
        let request = rejoined.child_insertion(&child, &id, former, 0);
        let store = Arc::clone(&a.store);
        let late = async move { persist(|| store.insert_workflow(request.clone())).await };
        let claimer = Arc::clone(&b);
        let claim = async move { claimer.claim_as(claimer.claiming()).await.claimed };
        let (late, claimed) = both(late, claim).await;
        let claimed = or_now(&b, claimed).await;
        assert_eq!(claimed.len(), 1);
        let inserted = match late {
            InsertOutcome::Inserted => true,
            InsertOutcome::ParentNotOwner => false,
            other => panic!("{other:?} is no answer to this"),
        };
        assert_eq!(!claimed[0].history.is_empty(), inserted);
        assert_eq!(b.steps(&id).await, claimed[0].history);
        assert_eq!(b.find(&child).await.is_some(), inserted);
    }
}

pub(crate) async fn a_late_outcome_is_refused_or_ends_the_workflow(
    bench: &Bench<'_, impl Backend>,
) {
    let b = Arc::new(Executor::launch(bench, "b").await);
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let a = process.relaunch().await;
        let former = a.start(&id).await;
        b.expel(&a).await;
        let store = Arc::clone(&a.store);
        let request = FinishWorkflow::new(&id, former, success("late"), at(1));
        let late = async move { persist(|| store.finish_workflow(request.clone())).await };
        let claimer = Arc::clone(&b);
        let claim = async move { claimer.claim().await };
        let (late, claimed) = both(late, claim).await;
        let finished = late == FinishOutcome::Finished;
        assert_eq!(claimed.is_empty(), finished, "one of them wins");
        assert_eq!(b.get(&id).await.outcome.is_some(), finished);
    }
}

pub(crate) async fn a_start_during_an_expulsion_is_refused_or_orphaned(
    bench: &Bench<'_, impl Backend>,
) {
    let b = Executor::launch(bench, "b").await;
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let a = process.relaunch().await;
        let store = Arc::clone(&a.store);
        let request = a.insertion(&id);
        let start = async move { persist(|| store.insert_workflow(request.clone())).await };
        let store = Arc::clone(&b.store);
        let request = ExpelExecutor::new(a.incarnation, 0);
        let expel = async move { persist(|| store.expel_executor(request.clone())).await };
        let (started, expelled) = both(start, expel).await;
        assert_eq!(expelled, ExpelOutcome::Expelled);
        is_claimed_if_started(&b, &id, started).await;
    }
}

pub(crate) async fn a_start_during_a_retirement_is_refused_or_handed_back(
    bench: &Bench<'_, impl Backend>,
) {
    let b = Executor::launch(bench, "b").await;
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let a = process.relaunch().await;
        let store = Arc::clone(&a.store);
        let request = a.insertion(&id);
        let start = async move { persist(|| store.insert_workflow(request.clone())).await };
        let store = Arc::clone(&b.store);
        let incarnation = a.incarnation;
        let retire = async move { persist(|| store.retire_executor(incarnation)).await };
        let (started, retired) = both(start, retire).await;
        assert_eq!(retired.released == 1, started == InsertOutcome::Inserted);
        is_claimed_if_started(&b, &id, started).await;
        if let Some(record) = b.find(&id).await {
            assert_eq!(record.recovery_attempts, 0, "it was handed back");
        }
    }
}

/// A workflow of an executor that is gone by now is never lost, and never half there.
async fn is_claimed_if_started(b: &Executor, id: &str, started: InsertOutcome) {
    match started {
        InsertOutcome::Inserted => assert_eq!(b.claim().await, [id]),
        InsertOutcome::UnknownExecutor => {
            assert_eq!(b.find(id).await, None);
            assert_eq!(b.claim().await, Vec::<String>::new());
        }
        other => panic!("{other:?} is no answer to this"),
    }
}

/// What a claim took; or takes now, if another transaction was busy with the row at that time.
async fn or_now(b: &Executor, claimed: Vec<ClaimedWorkflow>) -> Vec<ClaimedWorkflow> {
    if claimed.is_empty() {
        return b.claim_as(b.claiming()).await.claimed;
    }
    claimed
}
