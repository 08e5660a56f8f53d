//! Bodies of transactional steps, made of closures.
use std::{any::Any, future::Future};

use async_trait::async_trait;
use durable_api::{
    Failure,
    store::{BodyOutcome, Outcome, StepRecord, TransactionBody},
};
use sqlx::AssertSqlSafe;
use store_postgres::PgTransaction;

use super::{now, payload};

/// A body that runs a closure.
pub struct Body<F>(pub F);

#[async_trait]
impl<F, Fut> TransactionBody for Body<F>
where
    F: Fn(PgTransaction) -> Fut + Send + Sync,
    Fut: Future<Output = BodyOutcome> + Send,
{
    async fn run(&self, transaction: Box<dyn Any + Send>) -> BodyOutcome {
        let transaction = transaction.downcast().expect("a PgTransaction");
        (self.0)(*transaction).await
    }
}

/// The outcome of step 0.
pub fn record() -> StepRecord {
    let outcome = Outcome::Success(payload("2"));
    StepRecord::completed(0, "step", outcome, now(), now())
}

/// What a body with this result returns.
pub fn outcome<T>(result: Result<T, sqlx::Error>) -> BodyOutcome {
    match result {
        Ok(_) => BodyOutcome::Commit(record()),
        Err(error) => BodyOutcome::RollBack(Failure::from(error)),
    }
}

/// Runs statements.
pub async fn execute(tx: &mut PgTransaction, sql: &str) -> Result<(), sqlx::Error> {
    let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    statements.execute(&mut **tx).await.map(drop)
}

/// A body that runs statements.
pub fn sql(statements: impl Into<String>) -> impl TransactionBody {
    let statements = statements.into();
    Body(move |mut tx: PgTransaction| {
        let statements = statements.clone();
        async move {
            let done = execute(&mut tx, &statements).await;
            outcome(done)
        }
    })
}

/// A body that must not be run.
pub fn never() -> impl TransactionBody {
    Body(|_| async { panic!("the body runs") })
}
