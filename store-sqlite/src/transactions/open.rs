use sqlx::{
    Connection as _, Executor as _, Sqlite, SqliteConnection, SqlitePool, Transaction, raw_sql,
};
use tokio::runtime::Handle;

use crate::{
    database::Database,
    error::{Failure, Phase, is_busy},
};

/// Takes the lock, and marks the transaction: the savepoint is gone when the transaction has ended, however it has.
const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT durable_body";
const UNMARK: &str = "RELEASE durable_body";

/// An open transaction. Dropped before it ends, it is rolled back.
pub(super) enum OpenTransaction {
    /// On a connection of its own.
    Own(SqliteConnection),
    /// On a connection of a pool.
    Pooled(Pooled),
}

impl OpenTransaction {
    /// Begins one on the store's file, on a fresh connection: whatever a body makes of it, the store's own are as they were.
    pub(super) async fn of_store(database: &Database) -> Result<Self, Failure> {
        let mut connection = database.open_for_writing().await?;
        let mut patience = database.patience();
        loop {
            // What the driver gives only borrows. What stays is that it makes savepoints of transactions within.
            let begun = connection.begin_with(BEGIN).await;
            match begun.map(std::mem::forget) {
                Ok(()) => return Ok(Self::Own(connection)),
                Err(error) if is_busy(&error) && patience.wait().await => {}
                Err(error) => return Err(Failure::new(Phase::Statement, error)),
            }
        }
    }

    /// Begins one on a connection of a pool.
    pub(super) async fn of_pool(pool: &SqlitePool) -> Result<Self, Failure> {
        let begun = pool.begin_with(BEGIN).await;
        let transaction = begun.map_err(|error| Failure::new(Phase::Statement, error))?;
        Ok(Self::Pooled(Pooled {
            transaction: Some(transaction),
            runtime: Handle::current(),
        }))
    }

    pub(super) fn connection(&self) -> &SqliteConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(pooled) => pooled.transaction.as_ref().expect("held until the drop"),
        }
    }

    pub(super) fn connection_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(pooled) => pooled.transaction.as_mut().expect("held until the drop"),
        }
    }

    /// Removes the mark, which fails when this is not the transaction any more that was begun.
    pub(super) async fn unmark(&mut self) -> Result<(), sqlx::Error> {
        self.execute(UNMARK).await
    }

    /// Commits all, whatever savepoints the driver believes to be open.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.execute("COMMIT").await?;
        self.lay_down().await;
        Ok(())
    }

    /// Rolls all back, and does not return before the file is free.
    pub(super) async fn roll_back(mut self) {
        // It fails where nothing is open any more.
        let _ = self.execute("ROLLBACK").await;
        self.lay_down().await;
    }

    async fn lay_down(mut self) {
        if let Self::Own(connection) = self {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "the connection of a transactional step did not close");
            }
        } else {
            // An empty transaction, which takes no lock, for the driver to roll back.
            let _ = self.execute("BEGIN").await;
        }
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let connection = self.connection_mut();
        connection.execute(raw_sql(sql)).await.map(drop)
    }
}

pub(super) struct Pooled {
    /// There until the drop.
    transaction: Option<Transaction<'static, Sqlite>>,
    runtime: Handle,
}

impl Drop for Pooled {
    fn drop(&mut self) {
        // The pool spawns a task for a connection that comes back, and a guard may be dropped anywhere.
        let _entered = self.runtime.enter();
        self.transaction = None;
    }
}
