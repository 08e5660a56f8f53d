//! Transactional steps in a database apart from the store.
mod common;

use common::{
    File, NOW,
    bodies::{Body, execute, never, outcome, record, sql},
};
use durable_api::{
    Timestamp,
    store::{
        BodyOutcome, Incarnation, Owner, StepRef, StoreErrorKind, TransactionOutcome,
        TransactionStore as _,
    },
};
use futures::future::join_all;
use sqlx::{
    Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use store_sqlite::{SqliteDataSource, SqliteTransaction};
use uuid::Uuid;

const WRITE: &str = "INSERT INTO effects VALUES (1)";

fn pool(file: &File) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(file.path())
        .create_if_missing(true);
    SqlitePool::connect_lazy_with(options)
}

async fn open(file: &File) -> SqliteDataSource {
    file.execute("CREATE TABLE effects (a)").await;
    SqliteDataSource::new(pool(file)).await.expect("connects")
}

/// The step of an execution. The store knows whether it owns the workflow.
fn step(id: &str) -> StepRef {
    let owner = Owner::new(Incarnation(Uuid::new_v4()), 1);
    StepRef::recorded(id, owner, 0, "step", NOW)
}

async fn effects(file: &File) -> i64 {
    let row = sqlx::query("SELECT count(*) FROM effects")
        .fetch_one(&mut file.raw().await)
        .await;
    row.expect("answers").get(0)
}

#[tokio::test]
async fn an_execution_after_a_crash_between_the_two_commits_finds_the_outcome() {
    let file = File::new();
    let source = open(&file).await;
    let ran = source.run_transaction(step("w"), &sql(WRITE)).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    // The process ends here, before it records the checkpoint. Another one takes over.
    let source = SqliteDataSource::new(pool(&file)).await.expect("connects");
    match source.run_transaction(step("w"), &never()).await {
        Ok(TransactionOutcome::AlreadyRecorded(found)) => assert_eq!(found, record()),
        other => panic!("{other:?}"),
    }
    assert_eq!(effects(&file).await, 1);
}

#[tokio::test]
async fn executions_that_race_have_one_effect() {
    let file = File::new();
    let source = open(&file).await;
    let body = sql(WRITE);
    let outcomes = join_all((0..8).map(|_| source.run_transaction(step("w"), &body))).await;
    let committed = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(TransactionOutcome::Committed)));
    assert_eq!(committed.count(), 1, "{outcomes:?}");
    let found = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(TransactionOutcome::AlreadyRecorded(_))));
    assert_eq!(found.count(), 7, "{outcomes:?}");
    assert_eq!(effects(&file).await, 1);
}

#[tokio::test]
async fn a_pool_of_one_connection_serves_after_whatever_a_body_does() {
    let file = File::new();
    file.execute("CREATE TABLE effects (a)").await;
    let options = SqliteConnectOptions::new().filename(file.path());
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options);
    let source = SqliteDataSource::new(pool).await.expect("connects");
    let failing = sql(format!("{WRITE}; SELECT no_such_column FROM effects"));
    let ran = source.run_transaction(step("w"), &failing).await;
    assert!(
        matches!(ran, Ok(TransactionOutcome::RolledBack(_))),
        "{ran:?}"
    );
    for ending in ["ROLLBACK", "COMMIT", "COMMIT; BEGIN"] {
        let ran = source.run_transaction(step("w"), &sql(ending)).await;
        assert_eq!(
            ran.expect_err(ending).kind(),
            StoreErrorKind::Invalid,
            "{ending}"
        );
    }
    let stuck = Body(|mut tx: SqliteTransaction| async move {
        execute(&mut tx, WRITE).await.expect("writes");
        std::future::pending::<BodyOutcome>().await
    });
    let mut running = Box::pin(source.run_transaction(step("w"), &stuck));
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(futures::poll!(&mut running).is_pending());
    }
    drop(running);
    for id in ["w", "v"] {
        let ran = source.run_transaction(step(id), &sql(WRITE)).await;
        assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    }
    assert_eq!(effects(&file).await, 2);
}

#[tokio::test]
async fn data_sources_that_are_opened_at_once_share_one_table() {
    let file = File::new();
    let opened = join_all((0..8).map(|_| SqliteDataSource::new(pool(&file)))).await;
    for source in opened {
        source.expect("connects");
    }
}

#[tokio::test]
async fn a_url_names_the_file() {
    let file = File::new();
    let url = format!("sqlite://{}?mode=rwc", file.path().display());
    let source = SqliteDataSource::connect(&url).await.expect("connects");
    let ran = source.run_transaction(step("w"), &sql("SELECT 1")).await;
    assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    assert!(file.path().exists());
    let refused = SqliteDataSource::connect("sqlite://a?no=such").await;
    assert_eq!(
        refused.expect_err("is refused").kind(),
        StoreErrorKind::Invalid
    );
}

#[tokio::test]
async fn what_is_pruned_or_forgotten_runs_again() {
    let file = File::new();
    let source = open(&file).await;
    let at = |millis| {
        Body(move |mut tx: SqliteTransaction| async move {
            match outcome(execute(&mut tx, WRITE).await) {
                BodyOutcome::Commit(mut record) => {
                    record.completed_at = Timestamp::from_millis(millis);
                    BodyOutcome::Commit(record)
                }
                other => other,
            }
        })
    };
    for (id, millis) in [("old", 1), ("new", 2), ("other", 2)] {
        let ran = source.run_transaction(step(id), &at(millis)).await;
        assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    }
    let pruned = source.prune(Timestamp::from_millis(2)).await;
    assert_eq!(pruned.expect("prunes"), 1);
    assert_eq!(source.forget("new").await.expect("forgets"), 1);
    let ran = source.run_transaction(step("other"), &never()).await;
    assert!(
        matches!(ran, Ok(TransactionOutcome::AlreadyRecorded(_))),
        "{ran:?}"
    );
    for id in ["old", "new"] {
        let ran = source.run_transaction(step(id), &at(3)).await;
        assert!(matches!(ran, Ok(TransactionOutcome::Committed)), "{ran:?}");
    }
    assert_eq!(effects(&file).await, 5);
}
