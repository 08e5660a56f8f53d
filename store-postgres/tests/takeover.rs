//! A takeover that races with the writes of the former owner.
mod support;

use durable_api::store::{
    ExecutorStore, ExpelExecutor, FinishOutcome, FinishWorkflow, Outcome, Owner, RecordOutcome,
    StepStore, WorkflowStore,
};
use futures::future::join_all;
use support::{
    claim, drop_schema, fresh_schema, insert, now, open_migrated, payload, register, step,
};
use tokio::sync::oneshot;

const ROUNDS: u32 = 60;
const WRITERS: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_step_is_added_after_the_history_was_read() {
    let schema = fresh_schema();
    let former = open_migrated(&schema).await;
    let latter = open_migrated(&schema).await;
    let heir = register(&latter, "heir").await;
    for round in 0..ROUNDS {
        let id = format!("w{round}");
        let incarnation = register(&former, "former").await;
        let owner = Owner::new(incarnation, 1);
        insert(&former, &id, owner).await;
        let expelled = former
            .expel_executor(ExpelExecutor::new(incarnation, 0))
            .await;
        expelled.expect("expels");

        // Each writer goes on until it is told that it is not the owner.
        let mut started = Vec::new();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, id) = (former.clone(), id.clone());
                let (first, has_written) = oneshot::channel();
                started.push(has_written);
                tokio::spawn(async move {
                    let mut first = Some(first);
                    let mut written = Vec::new();
                    for n in 0.. {
                        let step_id = n * WRITERS + writer;
                        match store.record_step(step(&id, owner, step_id)).await {
                            Ok(RecordOutcome::Recorded) => written.push(step_id),
                            Ok(RecordOutcome::NotOwner) => break,
                            other => panic!("{other:?}"),
                        }
                        first.take().map(|first| first.send(()));
                    }
                    written
                })
            })
            .collect();
        for has_written in started {
            has_written.await.expect("has written");
        }

        // A row that is being written is passed over, not waited for.
        let new_owner = Owner::new(heir, u64::from(round));
        let claimed = loop {
            let answer = latter
                .claim_workflows(claim(new_owner))
                .await
                .expect("claims");
            if let Some(claimed) = answer.claimed.into_iter().find(|one| one.record.id == id) {
                break claimed;
            }
        };
        let written: Vec<Vec<u32>> = join_all(writers)
            .await
            .into_iter()
            .map(|writer| writer.expect("does not panic"))
            .collect();
        let mut acknowledged: Vec<u32> = written.into_iter().flatten().collect();
        acknowledged.sort_unstable();
        let history: Vec<u32> = claimed.history.iter().map(|step| step.step_id).collect();
        let stored: Vec<u32> = latter
            .list_steps(&id)
            .await
            .expect("lists")
            .iter()
            .map(|step| step.step_id)
            .collect();
        assert_eq!(history, stored, "nothing was added after the claim");
        assert_eq!(
            history, acknowledged,
            "what was acknowledged is in the history"
        );
        let outcome = Outcome::Success(payload("3"));
        let finished = latter
            .finish_workflow(FinishWorkflow::new(&id, new_owner, outcome, now()))
            .await;
        assert_eq!(finished.expect("finishes"), FinishOutcome::Finished);
    }
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_waits_for_a_takeover_is_refused_when_it_commits() {
    use sqlx::{AssertSqlSafe, Connection as _};

    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    let mut other = support::connect().await;
    let takeover =
        format!("BEGIN; UPDATE {schema}.workflows SET owner_execution = 2 WHERE id = 'w'");
    sqlx::raw_sql(AssertSqlSafe(takeover))
        .execute(&mut other)
        .await
        .expect("takes over");

    let writer = store.clone();
    let step_written = tokio::spawn(async move { writer.record_step(step("w", owner, 0)).await });
    let writer = store.clone();
    let finished = tokio::spawn(async move {
        let outcome = Outcome::Success(payload("3"));
        let request = FinishWorkflow::new("w", owner, outcome, now());
        writer.finish_workflow(request).await
    });
    support::wait_for(&support::waiting_for_locks(&schema), |count| count == 2).await;
    sqlx::raw_sql("COMMIT")
        .execute(&mut other)
        .await
        .expect("commits");
    other.close().await.expect("closes");

    let step_written = step_written.await.expect("does not panic");
    assert_eq!(step_written.expect("answers"), RecordOutcome::NotOwner);
    let finished = finished.await.expect("does not panic");
    assert_eq!(finished.expect("answers"), FinishOutcome::NotOwner);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_held_at_every_look_is_waited_for() {
    use sqlx::{AssertSqlSafe, Connection as _};

    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let lost = register(&store, "lost").await;
    insert(&store, "w", Owner::new(lost, 1)).await;
    store
        .expel_executor(ExpelExecutor::new(lost, 0))
        .await
        .expect("expels");
    let heir = register(&store, "heir").await;
    let mut writer = support::connect().await;
    let held = format!("BEGIN; SELECT 1 FROM {schema}.workflows WHERE id = 'w' FOR SHARE");
    sqlx::raw_sql(AssertSqlSafe(held))
        .execute(&mut writer)
        .await
        .expect("locks");

    let claimer = store.clone();
    let claimed = tokio::spawn(async move {
        for execution in 0.. {
            let request = claim(Owner::new(heir, execution));
            let answer = claimer.claim_workflows(request).await.expect("claims");
            if !answer.claimed.is_empty() {
                return answer.claimed;
            }
        }
        unreachable!("it claims until it has claimed")
    });
    support::wait_for(&support::waiting_for_locks(&schema), |count| count == 1).await;
    sqlx::raw_sql("COMMIT")
        .execute(&mut writer)
        .await
        .expect("commits");
    writer.close().await.expect("closes");
    let claimed = claimed.await.expect("does not panic");
    assert_eq!(claimed[0].record.id, "w");
    drop_schema(&schema).await;
}
