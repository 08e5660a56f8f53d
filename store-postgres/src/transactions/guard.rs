use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use sqlx::PgConnection;
use tokio::sync::oneshot;

use super::open::OpenTransaction;

/// The transaction that the body of a transactional step runs in. It is a [`PgConnection`]:
///
/// ```no_run
/// # use store_postgres::PgTransaction;
/// async fn book(mut tx: PgTransaction, seat: i64) -> Result<u64, sqlx::Error> {
///     let booking = sqlx::query("UPDATE seats SET booked = true WHERE id = $1 AND NOT booked");
///     let booked = booking.bind(seat).execute(&mut *tx).await?;
///     Ok(booked.rows_affected())
/// }
/// ```
///
/// It is committed, together with the step's checkpoint, when the body has succeeded, and rolled back when it has failed.
/// The body must have dropped it by then, and must leave `COMMIT` and `ROLLBACK` of the whole to the store; savepoints, as by
/// `sqlx::Connection::begin`, are its own. After a statement that failed, Postgres accepts no other in the same
/// transaction: the body returns the error, or has put a savepoint before. A role that it assumes by `SET LOCAL ROLE` must
/// be able to write the store's tables, or is reset at the end.
///
/// One that is kept beyond the body is never committed. It holds its locks and its connection until it is dropped.
pub struct PgTransaction {
    /// There until the drop.
    transaction: Option<OpenTransaction>,
    /// There until the drop.
    home: Option<oneshot::Sender<OpenTransaction>>,
}

/// Where a transaction comes back to, when its guard is dropped.
pub(super) struct Lent(oneshot::Receiver<OpenTransaction>);

/// Lends a transaction to a body.
pub(super) fn lend(transaction: OpenTransaction) -> (PgTransaction, Lent) {
    let (home, lent) = oneshot::channel();
    let guard = PgTransaction {
        transaction: Some(transaction),
        home: Some(home),
    };
    (guard, Lent(lent))
}

impl Lent {
    /// The transaction, unless the guard still lives. In that case it will be rolled back by the guard.
    pub(super) fn take_back(mut self) -> Option<OpenTransaction> {
        self.0.try_recv().ok()
    }
}

impl PgTransaction {
    fn open(&self) -> &OpenTransaction {
        self.transaction.as_ref().expect("held until the drop")
    }
}

impl Deref for PgTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.open().connection()
    }
}

impl DerefMut for PgTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.transaction
            .as_mut()
            .expect("held until the drop")
            .connection_mut()
    }
}

impl Drop for PgTransaction {
    fn drop(&mut self) {
        if let (Some(transaction), Some(home)) = (self.transaction.take(), self.home.take()) {
            // If nobody waits for it any more, it is rolled back here.
            let _ = home.send(transaction);
        }
    }
}

impl fmt::Debug for PgTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgTransaction").finish_non_exhaustive()
    }
}
