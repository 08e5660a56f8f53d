use durable_api::store::{DynConnection, StoreErrorKind};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{PgTransaction, error::Failure};

/// The connection behind whatever the caller calls one.
pub(super) fn downcast(connection: &mut DynConnection) -> Result<&mut PgConnection, Failure> {
    if connection.is::<PgConnection>() {
        return connection.downcast_mut().ok_or_else(unsupported);
    }
    if connection.is::<PgTransaction>() {
        let transaction = connection.downcast_mut::<PgTransaction>();
        return transaction
            .map(|transaction| &mut **transaction)
            .ok_or_else(unsupported);
    }
    let transaction = connection.downcast_mut::<Transaction<'static, Postgres>>();
    transaction
        .map(|transaction| &mut **transaction)
        .ok_or_else(unsupported)
}

fn unsupported() -> Failure {
    Failure::new(
        StoreErrorKind::Unsupported,
        "the connection is none to postgres: give a sqlx::PgConnection, a sqlx::Transaction<'static, Postgres> or a \
         PgTransaction",
    )
}
