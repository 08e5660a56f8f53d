//! Writes in a transaction of the caller's.
use std::{fs, path::Path};

use async_trait::async_trait;
use durable_api::store::{
    DynConnection, InsertOutcome, InsertWorkflow, OutboxStore, SendMessage, SendOutcome,
    StoreError, StoreErrorKind, StoreResult,
};
use sqlx::{Executor as _, Row as _, Sqlite, SqliteConnection, Transaction, raw_sql};

use crate::{
    SqliteStore, SqliteTransaction,
    error::{Failure, Phase},
    messages::check_send,
    sql::{query, values},
    workflows::insert,
    writer::{Trouble, Write},
};

/// The connection is a [`SqliteConnection`], a `sqlx::Transaction<'static, sqlx::Sqlite>` or a
/// [`SqliteTransaction`], with an open transaction on the store's own file. Without one, each write commits by itself.
///
/// From the write to the commit nobody else can write to the file, so the commit should be soon. Whoever waits for the change
/// learns of the commit as of one by another process: by [looking](crate::SqliteOptions::polling).
#[async_trait]
impl OutboxStore for SqliteStore {
    async fn send_message_within<'a>(
        &self,
        request: SendMessage,
        connection: &'a mut DynConnection,
    ) -> StoreResult<SendOutcome> {
        let operation = "send_message_within";
        let connection = self.connection(operation, connection).await?;
        if let Some(step) = &request.sender {
            let what = format!("a message was sent by workflow `{}`", step.workflow_id);
            return Err(not_from_a_step(operation, &what));
        }
        check_send(operation, &request)?;
        self.apply(operation, request, connection).await
    }

    async fn insert_workflow_within<'a>(
        &self,
        request: InsertWorkflow,
        connection: &'a mut DynConnection,
    ) -> StoreResult<InsertOutcome> {
        let operation = "insert_workflow_within";
        let connection = self.connection(operation, connection).await?;
        if let Some(parent) = &request.parent {
            let what = format!(
                "workflow `{}` has a parent, `{}`",
                request.id, parent.workflow_id
            );
            return Err(not_from_a_step(operation, &what));
        }
        insert::check(operation, &request)?;
        self.apply(operation, request, connection).await
    }
}

impl SqliteStore {
    /// The connection behind whatever the caller calls one, if it is to this file.
    async fn connection<'c>(
        &self,
        operation: &'static str,
        connection: &'c mut DynConnection,
    ) -> StoreResult<&'c mut SqliteConnection> {
        let connection = downcast(connection).ok_or_else(|| {
            StoreError::new(StoreErrorKind::Unsupported, operation).with_message(
                "the connection is none to sqlite: give a sqlx::SqliteConnection, a \
                 sqlx::Transaction<'static, Sqlite> or a SqliteTransaction",
            )
        })?;
        let row = query(
            "SELECT file FROM pragma_database_list WHERE name = 'main'",
            values![],
        )
        .fetch_one(&mut *connection)
        .await;
        let file: String = row
            .and_then(|row| row.try_get(0))
            .map_err(|error| self.failed(operation, error))?;
        if is_same_file(Path::new(&file), self.database.path()) {
            return Ok(connection);
        }
        Err(
            StoreError::new(StoreErrorKind::Unsupported, operation).with_message(format!(
                "the connection is to file `{file}`, and not to the store's, `{}`",
                self.database.path().display()
            )),
        )
    }

    /// Does a write wholly or not at all, whatever the caller does after an error.
    async fn apply<W: Write>(
        &self,
        operation: &'static str,
        write: W,
        connection: &mut SqliteConnection,
    ) -> StoreResult<W::Answer> {
        let failed = |error| self.failed(operation, error);
        execute(connection, "SAVEPOINT durable_outbox")
            .await
            .map_err(failed)?;
        match write.apply(connection).await {
            Ok(answer) => {
                let released = execute(connection, "RELEASE durable_outbox").await;
                released.map(|()| answer).map_err(failed)
            }
            Err(trouble) => {
                // It fails where SQLite has rolled back the whole.
                let undo = "ROLLBACK TO durable_outbox; RELEASE durable_outbox";
                let _ = execute(connection, undo).await;
                Err(match trouble {
                    Trouble::Unfit(error) => error,
                    Trouble::Sqlite(error) => failed(error),
                })
            }
        }
    }

    fn failed(&self, operation: &'static str, error: sqlx::Error) -> StoreError {
        // Outside a transaction, it may have been a commit.
        Failure::new(Phase::Commit, error).report(operation, self.database.path())
    }
}

fn downcast(connection: &mut DynConnection) -> Option<&mut SqliteConnection> {
    if connection.is::<SqliteConnection>() {
        return connection.downcast_mut();
    }
    if connection.is::<SqliteTransaction>() {
        let transaction = connection.downcast_mut::<SqliteTransaction>();
        return transaction.map(|transaction| &mut **transaction);
    }
    let transaction = connection.downcast_mut::<Transaction<'static, Sqlite>>();
    transaction.map(|transaction| &mut **transaction)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(raw_sql(sql)).await.map(drop)
}

fn not_from_a_step(operation: &'static str, what: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, operation).with_message(format!(
        "{what}: a write in the caller's transaction belongs to no workflow"
    ))
}
