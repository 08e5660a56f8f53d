use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::open::OpenTransaction;

/// The transaction that the body of a transactional step runs in. It is a [`SqliteConnection`]:
///
/// ```no_run
/// # use store_sqlite::SqliteTransaction;
/// async fn book(mut tx: SqliteTransaction, seat: i64) -> Result<u64, sqlx::Error> {
///     let booking = sqlx::query("UPDATE seats SET booked = 1 WHERE id = ? AND NOT booked");
///     let booked = booking.bind(seat).execute(&mut *tx).await?;
///     Ok(booked.rows_affected())
/// }
/// ```
///
/// It is committed, together with the step's checkpoint, when the body has succeeded, and rolled back when it has failed.
/// The body must have dropped it by then, and must leave `COMMIT` and `ROLLBACK` of the whole to the store; savepoints, as by
/// `sqlx::Connection::begin`, are its own.
///
/// One that is kept beyond the body is never committed. It keeps everybody else from writing to the file until it is dropped.
pub struct SqliteTransaction {
    /// There until the drop.
    transaction: Option<OpenTransaction>,
    /// There until the drop.
    home: Option<oneshot::Sender<OpenTransaction>>,
}

/// Where a transaction comes back to, when its guard is dropped.
pub(super) struct Lent(oneshot::Receiver<OpenTransaction>);

/// Lends a transaction to a body.
pub(super) fn lend(transaction: OpenTransaction) -> (SqliteTransaction, Lent) {
    let (home, lent) = oneshot::channel();
    let guard = SqliteTransaction {
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

impl Deref for SqliteTransaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        let transaction = self.transaction.as_ref().expect("held until the drop");
        transaction.connection()
    }
}

impl DerefMut for SqliteTransaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        let transaction = self.transaction.as_mut().expect("held until the drop");
        transaction.connection_mut()
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let (Some(transaction), Some(home)) = (self.transaction.take(), self.home.take()) {
            // If nobody waits for it any more, it is rolled back here.
            let _ = home.send(transaction);
        }
    }
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction").finish_non_exhaustive()
    }
}
