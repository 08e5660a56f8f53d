use sqlx::{Connection as _, postgres::PgPoolOptions};

/// For the connections that bodies run on. None is opened before it is needed.
pub(crate) fn bodies(pool: PgPoolOptions, max_connections: u32) -> PgPoolOptions {
    pool.min_connections(0)
        .max_connections(max_connections)
        // A body that was dropped in the middle may have left a savepoint open.
        .after_release(|connection, _| {
            let clean = !connection.is_in_transaction();
            Box::pin(async move { Ok(clean) })
        })
}
