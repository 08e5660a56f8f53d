use sqlx::{PgPool, Postgres, SqlSafeStr, Transaction};

/// Begins a transaction on a connection of a pool.
///
/// In a task of its own: the driver does not roll back what a `BEGIN` began that is dropped before its answer. The pool would hand the connection out
/// again, and what others wrote on it would be acknowledged, and part of a transaction that nobody commits.
pub(super) async fn begin(
    pool: &PgPool,
    statement: impl SqlSafeStr,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let (pool, statement) = (pool.clone(), statement.into_sql_str());
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
