//! What is done to workflows from outside while others work on them.
use std::sync::Arc;

use durable_api::{
    WorkflowStatus,
    store::{
        BulkOutcome, DeleteFinished, FinishOutcome, FinishWorkflow, ForkOutcome, InsertOutcome,
    },
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, ROUNDS, at, both, cancelling, cancelling_with_children, changed, expiring,
        forking, is_fenced_out, persist, race, resuming, step, success,
    },
};

pub(crate) async fn of_an_outcome_and_a_cancellation_one_ends_the_workflow(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let store = Arc::clone(&a.store);
        let request = FinishWorkflow::new(&id, owner, success("done"), at(30));
        let finish = async move { persist(|| store.finish_workflow(request.clone())).await };
        let (finished, answer) = both(finish, cancel(&b, &id)).await;
        let record = a.get(&id).await;
        if finished == FinishOutcome::Finished {
            let mut expected = BulkOutcome::new();
            expected.unchanged = vec![(id.clone(), WorkflowStatus::Success)];
            assert_eq!(answer, expected);
            assert_eq!(record.status, WorkflowStatus::Success);
            assert_eq!(record.outcome, Some(success("done")));
        } else {
            assert_eq!(answer, changed(&[&id]));
            assert_eq!(record.status, WorkflowStatus::Cancelled);
            assert_eq!(record.outcome, None);
        }
    }
}

pub(crate) async fn a_claim_during_a_cancellation_is_fenced_out(bench: &Bench<'_, impl Backend>) {
    let b = Arc::new(Executor::launch(bench, "b").await);
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let a = process.relaunch().await;
        a.start(&id).await;
        b.expel(&a).await;
        let request = b.claiming();
        let owner = request.owner;
        let claimer = Arc::clone(&b);
        let claim = async move { claimer.claim_as(request).await.claimed };
        let (claimed, answer) = both(claim, cancel(&process, &id)).await;
        assert_eq!(answer, changed(&[&id]));
        assert!(claimed.len() <= 1);
        let record = b.get(&id).await;
        assert_eq!(record.status, WorkflowStatus::Cancelled);
        assert_eq!(record.owner, None);
        is_fenced_out(&b, &id, owner).await;
    }
}

pub(crate) async fn a_child_started_during_a_cancellation_is_refused_or_cancelled(
    bench: &Bench<'_, impl Backend>,
) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let (parent, child) = (format!("parent {round}"), format!("child {round}"));
        let owner = a.start(&parent).await;
        let store = Arc::clone(&a.store);
        let request = a.child_insertion(&child, &parent, owner, 0);
        let start = async move { persist(|| store.insert_workflow(request.clone())).await };
        let store = Arc::clone(&b.store);
        let request = cancelling_with_children(&[&parent]);
        let cancel = async move { persist(|| store.cancel_workflows(request.clone())).await };
        let (started, answer) = both(start, cancel).await;
        match started {
            InsertOutcome::Inserted => {
                assert_eq!(answer, changed(&[&child, &parent]));
                let record = a.get(&child).await;
                assert_eq!(record.status, WorkflowStatus::Cancelled);
            }
            InsertOutcome::ParentNotOwner => {
                assert_eq!(answer, changed(&[&parent]));
                assert_eq!(a.find(&child).await, None);
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn of_cancellations_at_once_one_cancels(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        executors[0].start(&id).await;
        let contenders = executors.iter().map(|one| cancel(one, &id));
        let answers = race(contenders.collect()).await;
        only_one_changed(&answers, &id, WorkflowStatus::Cancelled);
    }
}

pub(crate) async fn of_resumptions_at_once_one_resumes(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        executors[0].start(&id).await;
        executors[0].cancel(cancelling(&[&id])).await;
        let contenders = executors.iter().map(|one| {
            let store = Arc::clone(&one.store);
            let request = resuming(&[&id]);
            async move { persist(|| store.resume_workflows(request.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        only_one_changed(&answers, &id, WorkflowStatus::Pending);
        executors[1].take_over(&id).await;
    }
}

pub(crate) async fn what_is_over_its_deadline_is_cancelled_once(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let mut ids: Vec<_> = (0..20).map(|number| format!("w{number}")).collect();
    for id in &ids {
        let mut request = executors[0].insertion(id);
        request.deadline = Some(at(5));
        executors[0].start_as(request).await;
    }
    let contenders = executors.iter().map(|one| {
        let store = Arc::clone(&one.store);
        let mut request = expiring(10);
        request.limit = 7;
        async move {
            let mut all = Vec::new();
            loop {
                let some = persist(|| store.cancel_expired(request.clone())).await;
                if some.is_empty() {
                    return all;
                }
                all.extend(some);
            }
        }
    });
    let mut cancelled = race(contenders.collect()).await.concat();
    cancelled.sort();
    ids.sort();
    assert_eq!(cancelled, ids);
}

pub(crate) async fn of_forks_with_one_id_at_once_one_is_made(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    for step_id in 0..3 {
        executors[0].record("w", owner, step(step_id, "done")).await;
    }
    executors[0].start("other").await;
    for round in 0..ROUNDS {
        let id = format!("fork {round}");
        let contenders = executors.iter().enumerate().map(|(number, one)| {
            let store = Arc::clone(&one.store);
            let source = ["w", "other"][number % 2];
            let requests = vec![forking(source, &id, 2)];
            async move { persist(|| store.fork_workflows(requests.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        let record = executors[0].get(&id).await;
        let source = record.forked_from.expect("is a fork");
        for (number, answer) in answers.into_iter().enumerate() {
            let expected = if source == ["w", "other"][number % 2] {
                ForkOutcome::Forked
            } else {
                ForkOutcome::Conflict
            };
            assert_eq!(answer, [expected]);
        }
        let steps = executors[0].steps(&id).await.len();
        assert_eq!(steps, if source == "w" { 2 } else { 0 });
    }
}

pub(crate) async fn what_has_ended_is_deleted_and_counted_once(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    for number in 0..20 {
        let id = format!("w{number}");
        let owner = executors[0].start(&id).await;
        executors[0].finish(&id, owner, success("done")).await;
    }
    let mut request = DeleteFinished::new(APP);
    request.completed_before = Some(at(1_000));
    request.limit = 7;
    let contenders = executors.iter().map(|one| {
        let store = Arc::clone(&one.store);
        let request = request.clone();
        async move { persist(|| store.delete_finished(request.clone())).await }
    });
    let mut deleted: u64 = race(contenders.collect()).await.into_iter().sum();
    loop {
        match executors[0].delete_finished(request.clone()).await {
            0 => break,
            more => deleted += more,
        }
    }
    assert_eq!(deleted, 20);
}

/// Exactly one call changed the workflow; to the others it was changed already.
fn only_one_changed(answers: &[BulkOutcome], id: &str, status: WorkflowStatus) {
    let mut unchanged = BulkOutcome::new();
    unchanged.unchanged = vec![(id.to_owned(), status)];
    let winners = answers.iter().filter(|one| **one == changed(&[id])).count();
    let others = answers.iter().filter(|one| **one == unchanged).count();
    assert_eq!((winners, others), (1, answers.len() - 1), "{answers:?}");
}

/// A cancellation, by an executor's handle.
fn cancel(
    executor: &Executor,
    id: &str,
) -> impl Future<Output = BulkOutcome> + Send + use<> + 'static {
    let store = Arc::clone(&executor.store);
    let request = cancelling(&[id]);
    async move { persist(|| store.cancel_workflows(request.clone())).await }
}

async fn four(bench: &Bench<'_, impl Backend>) -> Vec<Executor> {
    let mut executors = Vec::new();
    for id in ["a", "b", "c", "d"] {
        executors.push(Executor::launch(bench, id).await);
    }
    executors
}
