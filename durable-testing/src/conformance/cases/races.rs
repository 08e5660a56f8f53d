use std::sync::Arc;

use durable_api::store::{
    ExpelExecutor, ExpelOutcome, FinishOutcome, FinishWorkflow, HeartbeatOutcome, InsertOutcome,
    RecordOutcome, RecordStep, RegisterVersion,
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{
        APP, Executor, ROUNDS, at, both, failure, persist, race, step, success,
    },
};

pub(crate) async fn of_starts_with_one_id_one_wins(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let requests: Vec<_> = executors.iter().map(|one| one.insertion(&id)).collect();
        let contenders = executors.iter().zip(requests.clone());
        let answers = race(
            contenders
                .map(|(one, request)| {
                    let store = Arc::clone(&one.store);
                    async move { persist(|| store.insert_workflow(request.clone())).await }
                })
                .collect(),
        )
        .await;
        let winner = only_one(&answers, &InsertOutcome::Inserted);
        let record = executors[0].get(&id).await;
        assert_eq!(record.owner, Some(requests[winner].owner));
        let row = record.without_payloads();
        for (number, answer) in answers.into_iter().enumerate() {
            if number != winner {
                assert_eq!(answer, InsertOutcome::Existing(row.clone()));
            }
        }
    }
}

pub(crate) async fn of_children_of_one_step_one_wins(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("parent").await;
    for step_id in 0..ROUNDS {
        let step_id = u32::try_from(step_id).expect("is small");
        let contenders = (0..4).map(|child| {
            let id = format!("child {step_id} {child}");
            let request = executors[child].child_insertion(&id, "parent", owner, step_id);
            let store = Arc::clone(&executors[child].store);
            async move { persist(|| store.insert_workflow(request.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        let winner = only_one(&answers, &InsertOutcome::Inserted);
        let checkpoint = executors[0].steps("parent").await.pop().expect("exists");
        let id = format!("child {step_id} {winner}");
        assert_eq!(checkpoint.child_id.as_ref(), Some(&id));
        for (number, answer) in answers.into_iter().enumerate() {
            let child = executors[0]
                .find(&format!("child {step_id} {number}"))
                .await;
            assert_eq!(child.is_some(), number == winner);
            if number != winner {
                assert_eq!(answer, InsertOutcome::StepTaken(checkpoint.clone()));
            }
        }
    }
}

pub(crate) async fn of_checkpoints_of_one_step_one_wins(bench: &Bench<'_, impl Backend>) {
    let executors = four(bench).await;
    let owner = executors[0].start("w").await;
    for step_id in 0..ROUNDS {
        let step_id = u32::try_from(step_id).expect("is small");
        let contenders = executors.iter().map(|one| {
            let request = RecordStep::new("w", owner, step(step_id, &one.id));
            let store = Arc::clone(&one.store);
            async move { persist(|| store.record_step(request.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        let winner = only_one(&answers, &RecordOutcome::Recorded);
        let recorded = step(step_id, &executors[winner].id);
        assert_eq!(executors[0].steps("w").await.pop(), Some(recorded.clone()));
        for (number, answer) in answers.into_iter().enumerate() {
            if number != winner {
                let expected = RecordOutcome::AlreadyRecorded(recorded.clone());
                assert_eq!(answer, expected);
            }
        }
    }
}

pub(crate) async fn steps_recorded_at_once_are_all_recorded(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let owner = a.start("w").await;
    let contenders = (0..32).map(|step_id| {
        let request = RecordStep::new("w", owner, step(step_id, "done"));
        let store = Arc::clone(&a.store);
        async move { persist(|| store.record_step(request.clone())).await }
    });
    for answer in race(contenders.collect()).await {
        assert_eq!(answer, RecordOutcome::Recorded);
    }
    let expected: Vec<_> = (0..32).map(|step_id| step(step_id, "done")).collect();
    assert_eq!(a.steps("w").await, expected);
}

pub(crate) async fn of_outcomes_of_one_owner_one_is_recorded(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let owner = a.start(&id).await;
        let outcomes = [success("done"), failure("broken")];
        let contenders = [&a, &b].into_iter().zip(outcomes.clone());
        let contenders = contenders.map(|(one, outcome)| {
            let request = FinishWorkflow::new(&id, owner, outcome, at(1));
            let store = Arc::clone(&one.store);
            async move { persist(|| store.finish_workflow(request.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        assert_eq!(answers, [FinishOutcome::Finished; 2]);
        let outcome = a.get(&id).await.outcome.expect("is finished");
        assert!(outcomes.contains(&outcome));
    }
}

pub(crate) async fn claims_never_share_a_workflow(bench: &Bench<'_, impl Backend>) {
    let dead = Executor::launch(bench, "dead").await;
    let mut started = Vec::new();
    for number in 0..40 {
        let id = format!("w{number}");
        let owner = dead.start(&id).await;
        dead.record(&id, owner, step(0, &id)).await;
        started.push(id);
    }
    let executors: Vec<_> = four(bench).await.into_iter().map(Arc::new).collect();
    executors[0].expel(&dead).await;
    let contenders = executors.iter().map(|one| {
        let one = Arc::clone(one);
        async move {
            let mut claimed = Vec::new();
            loop {
                let mut request = one.claiming();
                request.limit = 3;
                let answer = one.claim_as(request.clone()).await;
                for workflow in &answer.claimed {
                    assert_eq!(workflow.record.owner, Some(request.owner));
                    assert_eq!(workflow.history, [step(0, &workflow.record.id)]);
                }
                let empty = answer.claimed.is_empty();
                claimed.extend(answer.claimed.into_iter().map(|one| one.record.id));
                if empty && !answer.more {
                    return claimed;
                }
            }
        }
    });
    let answers = race(contenders.collect()).await;
    let mut claimed: Vec<_> = answers.into_iter().flatten().collect();
    // A claim that only met rows that others were just taking may have ended too early.
    claimed.extend(executors[0].claim().await);
    claimed.sort_unstable();
    started.sort_unstable();
    assert_eq!(claimed, started, "each of them once");
    for id in started {
        assert_eq!(executors[0].get(&id).await.recovery_attempts, 1);
    }
}

pub(crate) async fn a_heartbeat_and_an_expulsion_agree(bench: &Bench<'_, impl Backend>) {
    let b = Executor::launch(bench, "b").await;
    let process = Executor::unregistered(bench, "a").await;
    for round in 0..ROUNDS {
        let a = process.relaunch().await;
        let (store, incarnation) = (Arc::clone(&a.store), a.incarnation);
        let beat = async move { persist(|| store.heartbeat(incarnation)).await };
        let store = Arc::clone(&b.store);
        let request = ExpelExecutor::new(a.incarnation, 0);
        let expel = async move { persist(|| store.expel_executor(request.clone())).await };
        let (beat, expelled) = both(beat, expel).await;
        match (beat, expelled) {
            (HeartbeatOutcome::Alive, ExpelOutcome::Alive) => assert_eq!(a.retire().await, 0),
            (HeartbeatOutcome::Unknown, ExpelOutcome::Expelled) => {}
            other => panic!("{other:?} in round {round}"),
        }
        assert_eq!(b.executors().await.len(), 1);
    }
}

pub(crate) async fn expulsions_at_once_all_expel(bench: &Bench<'_, impl Backend>) {
    let watchers = four(bench).await;
    let process = Executor::unregistered(bench, "dying").await;
    for _ in 0..ROUNDS {
        let a = process.relaunch().await;
        let contenders = watchers.iter().map(|watcher| {
            let store = Arc::clone(&watcher.store);
            let request = ExpelExecutor::new(a.incarnation, 0);
            async move { persist(|| store.expel_executor(request.clone())).await }
        });
        let answers = race(contenders.collect()).await;
        assert_eq!(answers, [ExpelOutcome::Expelled; 4]);
        assert_eq!(a.beat().await, HeartbeatOutcome::Unknown);
    }
}

pub(crate) async fn heartbeats_are_all_counted(bench: &Bench<'_, impl Backend>) {
    let a = Executor::launch(bench, "a").await;
    let b = Executor::launch(bench, "b").await;
    let contenders = (0..20).map(|number| {
        let store = Arc::clone(&[&a, &b][number % 2].store);
        let incarnation = a.incarnation;
        async move { persist(|| store.heartbeat(incarnation)).await }
    });
    race(contenders.collect()).await;
    assert_eq!(a.executors().await[0].beat, 20);
}

pub(crate) async fn of_lives_of_one_executor_one_remains(bench: &Bench<'_, impl Backend>) {
    let watcher = Executor::unregistered(bench, "watcher").await;
    let mut processes = Vec::new();
    for _ in 0..4 {
        processes.push(Executor::unregistered(bench, "a").await);
    }
    for _ in 0..ROUNDS {
        let lives: Vec<_> = processes.iter().map(|one| one.reborn("a")).collect();
        let contenders = lives.iter().map(|life| {
            let store = Arc::clone(&life.store);
            let request = life.registration();
            async move { persist(|| store.register_executor(request.clone())).await }
        });
        race(contenders.collect()).await;
        let remaining = watcher.executors().await;
        assert_eq!(remaining.len(), 1);
        for life in lives {
            let expected = if life.incarnation == remaining[0].incarnation {
                HeartbeatOutcome::Alive
            } else {
                HeartbeatOutcome::Unknown
            };
            assert_eq!(life.beat().await, expected);
        }
    }
}

pub(crate) async fn versions_registered_at_once_are_one(bench: &Bench<'_, impl Backend>) {
    let (a, b) = (bench.open().await, bench.open().await);
    let contenders = (0..8_i64).map(|millis| {
        let store = Arc::clone([&a, &b][millis as usize % 2]);
        let request = RegisterVersion::new(APP, "v1", at(millis));
        async move { persist(|| store.register_version(request.clone())).await }
    });
    race(contenders.collect()).await;
    let listed = a.list_versions(APP).await.expect("lists");
    assert_eq!(listed.len(), 1);
    assert!((at(0)..at(8)).contains(&listed[0].registered_at));
}

async fn four(bench: &Bench<'_, impl Backend>) -> Vec<Executor> {
    let mut executors = Vec::new();
    for id in ["a", "b", "c", "d"] {
        executors.push(Executor::launch(bench, id).await);
    }
    executors
}

/// The place of the one winner.
fn only_one<T: PartialEq + std::fmt::Debug>(answers: &[T], winning: &T) -> usize {
    let winners: Vec<_> = (0..answers.len())
        .filter(|place| answers[*place] == *winning)
        .collect();
    assert_eq!(winners.len(), 1, "one wins: {answers:?}");
    winners[0]
}
