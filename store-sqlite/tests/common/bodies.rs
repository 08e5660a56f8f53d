//! Bodies of transactional steps, made of closures.
use std::{any::Any, future::Future};

use async_trait::async_trait;
use durable_api::{
    Failure,
    store::{BodyOutcome, Outcome, StepRecord, TransactionBody},
};
use sqlx::{AssertSqlSafe, SqliteConnection};
use store_sqlite::SqliteTransaction;

use super::{NOW, payload};

/// A body that runs a closure.
pub(crate) struct Body<F>(pub(crate) F);

#[async_trait]
impl<F, Fut> TransactionBody for Body<F>
where
    F: Fn(SqliteTransaction) -> Fut + Send + Sync,
    Fut: Future<Output = BodyOutcome> + Send,
{
    async fn run(&self, transaction: Box<dyn Any + Send>) -> BodyOutcome {
        let transaction = transaction.downcast().expect("a SqliteTransaction");
        (self.0)(*transaction).await
    }
}

/// The outcome of step 0.
pub(crate) fn record() -> StepRecord {
    let outcome = Outcome::Success(payload("output"));
    StepRecord::completed(0, "step", outcome, NOW, NOW)
}

/// What a body with this result returns.
pub(crate) fn outcome<T>(result: Result<T, sqlx::Error>) -> BodyOutcome {
    match result {
        Ok(_) => BodyOutcome::Commit(record()),
        Err(error) => BodyOutcome::RollBack(Failure::from(error)),
    }
}

/// Runs statements.
pub(crate) async fn execute(
    connection: &mut SqliteConnection,
    sql: &str,
) -> Result<(), sqlx::Error> {
    let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    statements.execute(connection).await.map(drop)
}

/// A body that runs statements.
pub(crate) fn sql(statements: impl Into<String>) -> impl TransactionBody {
    let statements = statements.into();
    Body(move |mut tx: SqliteTransaction| {
        let statements = statements.clone();
        async move {
            let done = execute(&mut tx, &statements).await;
            outcome(done)
        }
    })
}

/// A body that must not be run.
pub(crate) fn never() -> impl TransactionBody {
    Body(|_| async { panic!("the body runs") })
}
