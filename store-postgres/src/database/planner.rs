use sqlx::{Executor as _, PgConnection};

/// Keeps the plans of batched statements on index lookups, however small the tables were when a
/// connection planned them. They affect speed alone, so a session that loses them is none the worse.
const SETTINGS: &str = "SET enable_seqscan = off; SET jit = off";

/// Prepares a fresh connection.
pub(crate) async fn steady_plans(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(SETTINGS)).await?;
    Ok(())
}
