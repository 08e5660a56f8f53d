//! Transactional steps: what is committed, what is not, and who is told what.
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use durable_api::{
    Failure,
    store::{
        BodyOutcome, CancelWorkflows, EventStore, LifecycleStore, ManagementStore, Outcome, Owner,
        SetEvent, SetEventOutcome, StepRecord, StepRef, StepStore, StoreErrorKind,
        TransactionOutcome, TransactionStore,
    },
};
use futures::future::join_all;
use sqlx::Connection as _;
use store_postgres::{PgTransaction, PostgresStore};
use support::{
    accounts::{add, amount, first, is_recorded, open, open_with, works_afterwards},
    bodies::{Body, execute, never, outcome, sql},
    drop_schema, effect, fresh_schema, insert, now, number, options, payload, register, run, step,
};
use tokio::sync::{Barrier, Notify};

#[tokio::test]
async fn a_body_and_its_checkpoint_are_one_transaction() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    works_afterwards(&store, &schema, owner).await;
    let together = number(&format!(
        "SELECT count(*) FROM {schema}.accounts a JOIN {schema}.steps s ON a.xmin::text = s.xmin::text"
    ))
    .await;
    drop_schema(&schema).await;
    assert_eq!(together, 1);
}

#[tokio::test]
async fn a_body_that_fails_leaves_nothing_and_its_failure_is_passed_on() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let statements = format!("{}; SELECT 1 / 0", add(&schema));
    let ran = store.run_transaction(first(owner), &sql(statements)).await;
    match ran.expect("runs") {
        TransactionOutcome::RolledBack(failure) => {
            assert!(failure.downcast_ref::<sqlx::Error>().is_some());
            assert!(failure.to_string().contains("division"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_step_that_is_recorded_does_not_run_its_body() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    works_afterwards(&store, &schema, owner).await;
    let again = store.run_transaction(first(owner), &never()).await;
    assert!(is_recorded(&again.expect("answers")));
    drop_schema(&schema).await;
}

#[tokio::test]
async fn who_does_not_own_the_workflow_does_not_run_the_body() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    works_afterwards(&store, &schema, owner).await;
    let stale = Owner::new(owner.incarnation, 2);
    // Also of a step that is recorded.
    let ran = store.run_transaction(first(stale), &never()).await;
    drop_schema(&schema).await;
    assert!(matches!(ran, Ok(TransactionOutcome::NotOwner)), "{ran:?}");
}

#[tokio::test]
async fn a_workflow_is_cancelled_while_its_body_runs_and_the_body_is_not_committed() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = Body(|mut tx: PgTransaction| {
        let (store, add) = (&store, add(&schema));
        async move {
            let done = execute(&mut tx, &add).await;
            let cancel = CancelWorkflows::new(vec!["w".to_owned()], now());
            let cancelled = store.cancel_workflows(cancel).await.expect("cancels");
            assert_eq!(cancelled.changed, ["w"]);
            outcome(done)
        }
    });
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::NotOwner)), "{ran:?}");
    assert_eq!(amount(&schema).await, 10);
    assert_eq!(store.list_steps("w").await.expect("lists"), []);
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takeover_that_is_about_to_commit_is_waited_for_and_wins() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let mut takeover = support::connect().await;
    let (held, statement) = (Arc::new(Notify::new()), add(&schema));
    let body_held = Arc::clone(&held);
    let late = store.clone();
    let ran = tokio::spawn(async move {
        let body = Body(move |mut tx: PgTransaction| {
            let (held, statement) = (Arc::clone(&body_held), statement.clone());
            async move {
                let done = execute(&mut tx, &statement).await;
                held.notified().await;
                outcome(done)
            }
        });
        late.run_transaction(first(owner), &body).await
    });
    let taken = format!("BEGIN; UPDATE {schema}.workflows SET owner_execution = 2 WHERE id = 'w'");
    let taken = sqlx::raw_sql(sqlx::AssertSqlSafe(taken));
    taken.execute(&mut takeover).await.expect("takes over");
    held.notify_one();
    support::wait_for(&support::waiting_for_locks(&schema), |count| count == 1).await;
    let commit = sqlx::raw_sql("COMMIT").execute(&mut takeover).await;
    commit.expect("commits");
    takeover.close().await.expect("closes");
    let ran = ran.await.expect("does not panic");
    assert!(matches!(ran, Ok(TransactionOutcome::NotOwner)), "{ran:?}");
    assert_eq!(amount(&schema).await, 10);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_step_that_is_recorded_while_its_body_runs_keeps_its_record() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = Body(|mut tx: PgTransaction| {
        let (store, add) = (&store, add(&schema));
        async move {
            let done = execute(&mut tx, &add).await;
            let recorded = store.record_step(step("w", owner, 0)).await;
            recorded.expect("records");
            outcome(done)
        }
    });
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(is_recorded(&ran.expect("answers")));
    assert_eq!(amount(&schema).await, 10);
    drop_schema(&schema).await;
}

#[tokio::test]
async fn the_outcome_of_another_step_is_refused() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let body = sql(add(&schema));
    let ran = store.run_transaction(effect("w", owner, 1), &body).await;
    assert_eq!(ran.expect_err("is refused").kind(), StoreErrorKind::Invalid);
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_failed_outcome_is_recorded_as_one() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    let outcome = Outcome::Failure(payload("no"));
    let record = StepRecord::completed(0, "step", outcome, now(), now());
    let body = Body(|tx| {
        let record = record.clone();
        async move {
            drop(tx);
            BodyOutcome::Commit(record)
        }
    });
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(store.list_steps("w").await.expect("lists"), [record]);
    drop_schema(&schema).await;
}

/// Reads the sum of both rows, waits for the other one, and writes one row: of two, one must be refused.
fn withdraw<'a>(
    schema: &'a str,
    barrier: &'a Barrier,
    id: u32,
) -> impl durable_api::store::TransactionBody + 'a {
    Body(move |mut tx: PgTransaction| async move {
        let read = format!(
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT sum(amount) FROM {schema}.accounts"
        );
        execute(&mut tx, &read).await.expect("reads");
        barrier.wait().await;
        let write = format!("UPDATE {schema}.accounts SET amount = amount - 10 WHERE id = {id}");
        outcome(execute(&mut tx, &write).await)
    })
}

#[tokio::test]
async fn a_serialization_failure_is_contention_and_its_repetition_commits() {
    let schema = fresh_schema();
    let (store, owner) = open_with(&schema, 2).await;
    insert(&store, "v", owner).await;
    let barrier = Barrier::new(2);
    let (one, other) = (
        withdraw(&schema, &barrier, 1),
        withdraw(&schema, &barrier, 2),
    );
    let both = [
        store.run_transaction(effect("w", owner, 0), &one),
        store.run_transaction(effect("v", owner, 0), &other),
    ];
    let outcomes = join_all(both).await;
    let committed = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(TransactionOutcome::Committed)));
    assert_eq!(committed.count(), 1, "{outcomes:?}");
    let refused = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
    assert_eq!(
        refused.expect("one is refused").kind(),
        StoreErrorKind::Contention
    );

    let alone = Barrier::new(1);
    let (id, row) = if outcomes[0].is_err() {
        ("w", 1)
    } else {
        ("v", 2)
    };
    let again = withdraw(&schema, &alone, row);
    let again = store.run_transaction(effect(id, owner, 0), &again).await;
    assert!(
        matches!(again, Ok(TransactionOutcome::Committed)),
        "{again:?}"
    );
    let left = number(&format!("SELECT sum(amount) FROM {schema}.accounts")).await;
    drop_schema(&schema).await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn serializable_bodies_that_share_nothing_do_not_fail() {
    const MANY: usize = 8;

    let schema = fresh_schema();
    let (store, owner) = open_with(&schema, MANY as u32).await;
    join_all((0..MANY).map(|n| insert(&store, format!("w{n}"), owner))).await;
    let barrier = Barrier::new(MANY);
    let body = Body(|mut tx: PgTransaction| async {
        let snapshot = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1";
        let done = execute(&mut tx, snapshot).await;
        barrier.wait().await;
        drop(tx);
        outcome(done)
    });
    let runs = (0..MANY).map(|n| {
        let step = effect(format!("w{n}"), owner, 0);
        store.run_transaction(step, &body)
    });
    for ran in join_all(runs).await {
        assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    }
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_deadlock_that_a_body_returns_is_contention() {
    let schema = fresh_schema();
    let (store, owner) = open_with(&schema, 2).await;
    insert(&store, "v", owner).await;
    let barrier = Barrier::new(2);
    let cross = |mine: u32, theirs: u32| {
        let (schema, barrier) = (&schema, &barrier);
        Body(move |mut tx: PgTransaction| async move {
            let lock = |id| format!("UPDATE {schema}.accounts SET amount = 0 WHERE id = {id}");
            execute(&mut tx, &lock(mine)).await.expect("locks");
            barrier.wait().await;
            outcome(execute(&mut tx, &lock(theirs)).await)
        })
    };
    let (one, other) = (cross(1, 2), cross(2, 1));
    let both = [
        store.run_transaction(effect("w", owner, 0), &one),
        store.run_transaction(effect("v", owner, 0), &other),
    ];
    let outcomes = join_all(both).await;
    drop_schema(&schema).await;
    let refused = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
    assert_eq!(
        refused.expect("one is the victim").kind(),
        StoreErrorKind::Contention
    );
}

#[tokio::test]
async fn a_constraint_that_is_judged_at_the_commit_is_the_bodys_failure() {
    let schema = fresh_schema();
    let (store, owner) = open(&schema).await;
    run(&format!(
        "CREATE TABLE {schema}.transfers (account int REFERENCES {schema}.accounts DEFERRABLE INITIALLY DEFERRED)"
    ))
    .await;
    let statements = format!(
        "{}; INSERT INTO {schema}.transfers VALUES (3)",
        add(&schema)
    );
    let ran = store.run_transaction(first(owner), &sql(statements)).await;
    match ran.expect("runs") {
        TransactionOutcome::RolledBack(failure) => {
            assert!(failure.to_string().contains("foreign key"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
    works_afterwards(&store, &schema, owner).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn bodies_do_not_take_the_connections_of_the_store() {
    const MANY: u32 = 3;

    let schema = fresh_schema();
    let options = options(&schema)
        .max_connections(1)
        .max_transactions(MANY)
        .acquire_timeout(Duration::from_secs(20));
    let store = PostgresStore::connect_with(options)
        .await
        .expect("connects");
    store.migrate().await.expect("migrates");
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    let (barrier, set) = (Barrier::new(MANY as usize), AtomicUsize::new(0));
    let runs = (0..MANY).map(|id| {
        let (store, barrier, set) = (&store, &barrier, &set);
        let body = Body(move |tx| async move {
            barrier.wait().await;
            let step = StepRef::inside("w", owner, id, now());
            let event = SetEvent::new(step, "key", payload("1"), now());
            let outcome = store.set_event(event).await.expect("sets");
            assert_eq!(outcome, SetEventOutcome::Set);
            set.fetch_add(1, Ordering::Relaxed);
            drop(tx);
            BodyOutcome::RollBack(Failure::msg("enough"))
        });
        async move { store.run_transaction(effect("w", owner, id), &body).await }
    });
    for ran in join_all(runs).await {
        assert!(
            matches!(ran, Ok(TransactionOutcome::RolledBack(_))),
            "{ran:?}"
        );
    }
    drop_schema(&schema).await;
    assert_eq!(set.into_inner(), MANY as usize);
}
