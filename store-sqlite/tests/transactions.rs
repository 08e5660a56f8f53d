//! Transactional steps: what is committed, what is not, and who is told what.
mod common;

use std::{sync::Mutex, time::Duration};

use common::{
    File, NOW,
    bodies::{Body, execute, never, outcome, record, sql},
    executor, insert, payload, ready, step, workflow,
};
use durable_api::{
    Failure,
    store::{
        BodyOutcome, CancelWorkflows, EventStore as _, ManagementStore as _, Owner, Payloads,
        RecordOutcome, SetEvent, StepRef, StepStore as _, StoreErrorKind, TransactionOutcome,
        TransactionStore as _, WorkflowStore as _,
    },
};
use sqlx::{Connection as _, Row as _};
use store_sqlite::{SqliteOptions, SqliteStore, SqliteTransaction};
use tokio::sync::{Notify, oneshot};

const ADD: &str = "UPDATE accounts SET amount = amount + 1 WHERE id = 1";

/// A store with the owner of workflow `w`, and a table of the user's.
async fn open(file: &File) -> (SqliteStore, Owner) {
    open_with(file, file.options()).await
}

async fn open_with(file: &File, options: SqliteOptions) -> (SqliteStore, Owner) {
    let store = ready(options).await;
    let tables = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
                  INSERT INTO accounts VALUES (1, 10)";
    file.execute(tables).await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;
    (store, owner)
}

fn first(owner: Owner) -> StepRef {
    StepRef::recorded("w", owner, 0, "step", NOW)
}

async fn amount(file: &File) -> i64 {
    let row = sqlx::query("SELECT amount FROM accounts WHERE id = 1")
        .fetch_one(&mut file.raw().await)
        .await;
    row.expect("is there").get(0)
}

/// Runs the step once more, which succeeds, and had no effect before.
async fn works_afterwards(file: &File, store: &SqliteStore, owner: Owner) {
    assert_eq!(amount(file).await, 10);
    assert_eq!(store.list_steps("w").await.expect("lists"), []);
    let again = store.run_transaction(first(owner), &sql(ADD)).await;
    assert!(
        matches!(again, Ok(TransactionOutcome::Committed)),
        "{again:?}"
    );
    assert_eq!(amount(file).await, 11);
    assert_eq!(store.list_steps("w").await.expect("lists"), [record()]);
    let written = store.record_step(step("w", owner, 1)).await;
    assert_eq!(written.expect("records"), RecordOutcome::Recorded);
}

#[tokio::test]
async fn a_body_and_its_checkpoint_commit() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    works_afterwards(&file, &store, owner).await;
    let again = store.run_transaction(first(owner), &never()).await;
    match again.expect("answers") {
        TransactionOutcome::AlreadyRecorded(found) => assert_eq!(found, record()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_that_fails_leaves_nothing_and_its_failure_is_passed_on() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let body = sql(format!("{ADD}; INSERT INTO accounts VALUES (1, 0)"));
    match store.run_transaction(first(owner), &body).await {
        Ok(TransactionOutcome::RolledBack(failure)) => {
            assert!(failure.downcast_ref::<sqlx::Error>().is_some());
        }
        other => panic!("{other:?}"),
    }
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn who_does_not_own_the_workflow_does_not_run_the_body() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let stale = Owner::new(owner.incarnation, 2);
    let ran = store.run_transaction(first(stale), &never()).await;
    assert!(matches!(ran, Ok(TransactionOutcome::NotOwner)), "{ran:?}");
    works_afterwards(&file, &store, owner).await;
    // Also of a step that is recorded.
    let ran = store.run_transaction(first(stale), &never()).await;
    assert!(matches!(ran, Ok(TransactionOutcome::NotOwner)), "{ran:?}");
}

#[tokio::test]
async fn writes_wait_for_the_body_and_reads_do_not() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let (begun, go_on) = (Notify::new(), Notify::new());
    let body = Body(|mut tx: SqliteTransaction| {
        let (begun, go_on) = (&begun, &go_on);
        async move {
            let done = execute(&mut tx, ADD).await;
            begun.notify_one();
            go_on.notified().await;
            outcome(done)
        }
    });
    let ids = vec!["w".to_owned()];
    let cancel = async {
        begun.notified().await;
        let mut cancel = Box::pin(store.cancel_workflows(CancelWorkflows::new(ids, NOW)));
        // It has asked for its turn when it was polled once.
        assert!(futures::poll!(&mut cancel).is_pending());
        let found = store.get_workflow("w", Payloads::Omit).await;
        assert!(found.expect("reads").is_some());
        go_on.notify_one();
        cancel.await
    };
    let (ran, cancelled) = tokio::join!(store.run_transaction(first(owner), &body), cancel);
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(cancelled.expect("cancels").changed, ["w"]);
    assert_eq!(amount(&file).await, 11);
}

#[tokio::test]
async fn bodies_and_writes_take_turns() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let body = sql(ADD);
    let runs = (0..20).map(|n| {
        let (store, body) = (&store, &body);
        async move {
            let id = format!("w{n}");
            insert(store, &id, owner).await;
            let step = StepRef::recorded(&id, owner, 0, "step", NOW);
            store.run_transaction(step, body).await
        }
    });
    for ran in futures::future::join_all(runs).await {
        assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    }
    assert_eq!(amount(&file).await, 30);
}

#[tokio::test]
async fn a_body_that_writes_through_the_store_is_told_that_it_cannot() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let body = Body(|tx: SqliteTransaction| {
        let store = store.clone();
        async move {
            let inside = StepRef::inside("w", owner, 0, NOW);
            let event = SetEvent::new(inside, "key", payload("1"), NOW);
            let error = store.set_event(event).await.expect_err("is refused");
            assert_eq!(error.kind(), StoreErrorKind::Unsupported);
            let nested = store.run_transaction(first(owner), &never()).await;
            let error = nested.expect_err("is refused");
            assert_eq!(error.kind(), StoreErrorKind::Unsupported);
            drop(tx);
            BodyOutcome::RollBack(Failure::msg("enough"))
        }
    });
    let ran = store.run_transaction(first(owner), &body).await;
    match ran {
        Ok(TransactionOutcome::RolledBack(failure)) => assert_eq!(failure.to_string(), "enough"),
        other => panic!("{other:?}"),
    }
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_body_that_waits_for_a_write_of_another_task_is_given_up() {
    let file = File::new();
    let options = file
        .options()
        .transaction_timeout(Duration::from_millis(100));
    let (store, owner) = open_with(&file, options).await;
    let body = Body(|mut tx: SqliteTransaction| {
        let store = store.clone();
        async move {
            let done = execute(&mut tx, ADD).await;
            let write = async move { store.insert_workflow(workflow("v", owner)).await };
            let _ = tokio::spawn(write).await;
            outcome(done)
        }
    });
    match store.run_transaction(first(owner), &body).await {
        Ok(TransactionOutcome::RolledBack(failure)) => {
            assert!(failure.to_string().contains("was given up"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_transaction_that_a_task_keeps_is_rolled_back_when_the_task_lets_go() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let (release, released) = oneshot::channel::<()>();
    let released = Mutex::new(Some(released));
    let body = Body(|mut tx: SqliteTransaction| {
        let released = released.lock().expect("no panic").take();
        async move {
            let done = execute(&mut tx, ADD).await;
            tokio::spawn(async move {
                let _tx = tx;
                released.expect("runs once").await.expect("is released");
            });
            outcome(done)
        }
    });
    let error = store.run_transaction(first(owner), &body).await;
    let error = error.expect_err("is not committed");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("step 0 `step` of workflow `w`"));
    release.send(()).expect("waits");
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_transaction_that_is_forgotten_is_not_committed_and_others_are_told_of_the_lock() {
    let file = File::new();
    let options = file.options().busy_timeout(Duration::from_millis(50));
    let (store, owner) = open_with(&file, options).await;
    let body = Body(|mut tx: SqliteTransaction| async move {
        let done = execute(&mut tx, ADD).await;
        std::mem::forget(tx);
        outcome(done)
    });
    let error = store.run_transaction(first(owner), &body).await;
    assert_eq!(
        error.expect_err("is not committed").kind(),
        StoreErrorKind::Invalid
    );
    assert_eq!(amount(&file).await, 10);
    assert_eq!(store.list_steps("w").await.expect("lists"), []);
    let written = store.record_step(step("w", owner, 1)).await;
    assert_eq!(
        written.expect_err("the file is locked").kind(),
        StoreErrorKind::Contention
    );
}

#[tokio::test]
async fn a_body_that_ends_its_transaction_itself_is_refused() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    for ending in [
        "ROLLBACK",
        "ROLLBACK; BEGIN IMMEDIATE",
        "COMMIT",
        "COMMIT; BEGIN",
        // An error by which SQLite rolls back, and that is not returned.
        "INSERT OR ROLLBACK INTO accounts VALUES (1, 0)",
    ] {
        let body = Body(|mut tx: SqliteTransaction| async move {
            let _ = execute(&mut tx, ending).await;
            drop(tx);
            outcome(Ok(()))
        });
        let ran = store.run_transaction(first(owner), &body).await;
        assert_eq!(
            ran.expect_err(ending).kind(),
            StoreErrorKind::Invalid,
            "{ending}"
        );
    }
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_temporary_table_does_not_take_the_checkpoint() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let body = sql(format!(
        "{ADD}; CREATE TEMP TABLE steps AS SELECT * FROM main.steps; CREATE TEMP TABLE workflows (a)"
    ));
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(store.list_steps("w").await.expect("lists"), [record()]);
    assert_eq!(amount(&file).await, 11);
}

#[tokio::test]
async fn what_a_body_says_of_completions_is_in_its_checkpoint() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let mut said = record();
    said.completions = Some("3:7".to_owned());
    let body = Body(|_: SqliteTransaction| async { BodyOutcome::Commit(said.clone()) });
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(store.list_steps("w").await.expect("lists"), [said.clone()]);
    match store.run_transaction(first(owner), &never()).await {
        Ok(TransactionOutcome::AlreadyRecorded(found)) => assert_eq!(found, said),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn savepoints_are_the_bodys_own() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let body = Body(|mut tx: SqliteTransaction| async move {
        let done = execute(&mut tx, ADD).await;
        let mut inner = tx.begin().await.expect("a savepoint");
        execute(&mut inner, ADD).await.expect("adds");
        inner.rollback().await.expect("rolls back to it");
        let mut inner = tx.begin().await.expect("a savepoint");
        execute(&mut inner, "INSERT INTO accounts VALUES (2, 0)")
            .await
            .expect("inserts");
        inner.commit().await.expect("keeps it");
        outcome(done)
    });
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert_eq!(amount(&file).await, 11);
    let rows = sqlx::query("SELECT count(*) FROM accounts")
        .fetch_one(&mut file.raw().await)
        .await;
    assert_eq!(rows.expect("answers").get::<i64, _>(0), 2);
}

#[tokio::test]
async fn a_constraint_that_is_judged_at_the_commit_is_the_bodys_failure() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let transfers = "CREATE TABLE transfers (account INTEGER REFERENCES accounts DEFERRABLE INITIALLY DEFERRED)";
    file.execute(transfers).await;
    let body = sql(format!("{ADD}; INSERT INTO transfers VALUES (3)"));
    let ran = store.run_transaction(first(owner), &body).await;
    assert!(
        matches!(ran, Ok(TransactionOutcome::RolledBack(_))),
        "{ran:?}"
    );
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn the_outcome_of_another_step_is_refused() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let other = StepRef::recorded("w", owner, 1, "step", NOW);
    let ran = store.run_transaction(other, &sql(ADD)).await;
    assert_eq!(ran.expect_err("is refused").kind(), StoreErrorKind::Invalid);
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_contention() {
    let file = File::new();
    let options = file.options().busy_timeout(Duration::from_millis(50));
    let (store, owner) = open_with(&file, options).await;
    let mut other = file.raw().await;
    execute(&mut other, "BEGIN IMMEDIATE").await.expect("locks");
    let ran = store.run_transaction(first(owner), &never()).await;
    assert_eq!(
        ran.expect_err("is locked").kind(),
        StoreErrorKind::Contention
    );
    execute(&mut other, "ROLLBACK").await.expect("unlocks");
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_body_that_is_dropped_is_rolled_back_and_the_next_write_has_its_turn() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let stuck = Notify::new();
    let body = Body(|mut tx: SqliteTransaction| {
        let stuck = &stuck;
        async move {
            let done = execute(&mut tx, ADD).await;
            let inner = tx.begin().await.expect("a savepoint");
            stuck.notify_one();
            std::future::pending::<()>().await;
            drop(inner);
            outcome(done)
        }
    });
    let mut running = Box::pin(store.run_transaction(first(owner), &body));
    tokio::select! {
        ran = &mut running => panic!("{ran:?}"),
        () = stuck.notified() => {}
    }
    drop(running);
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_turn_that_nobody_waits_for_any_more_is_skipped() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let body = never();
    let mut waiting = Box::pin(store.run_transaction(first(owner), &body));
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(waiting);
    works_afterwards(&file, &store, owner).await;
}

#[tokio::test]
async fn a_body_that_panics_is_rolled_back_and_the_panic_goes_on() {
    let file = File::new();
    let (store, owner) = open(&file).await;
    let running = store.clone();
    let panicked = tokio::spawn(async move {
        let body = Body(|mut tx: SqliteTransaction| async move {
            execute(&mut tx, ADD).await.expect("updates");
            panic!("on purpose")
        });
        running.run_transaction(first(owner), &body).await
    });
    assert!(panicked.await.expect_err("panics").is_panic());
    works_afterwards(&file, &store, owner).await;
}
