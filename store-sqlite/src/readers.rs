use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use durable_api::store::StoreResult;
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    database::Database,
    error::{Failure, Phase},
    sql::{Sql, Value, query, values},
};

/// A few connections that read.
///
/// Not sqlx's pool: that one spawns a task for every connection that it gets back, and so panics
/// where a read is dropped outside a runtime.
pub(crate) struct Readers {
    database: Arc<Database>,
    permits: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    pub(crate) fn new(database: Arc<Database>, connections: usize) -> Self {
        Self {
            database,
            permits: Semaphore::new(connections),
            idle: Mutex::default(),
        }
    }

    /// Everything that one statement, and so one snapshot, answers.
    pub(crate) async fn fetch_all(
        &self,
        operation: &'static str,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> StoreResult<Vec<SqliteRow>> {
        let sql = sql.into();
        let mut patience = self.database.patience();
        loop {
            match self.attempt(sql.clone(), values.clone()).await {
                Err(failure) if failure.is_busy() && patience.wait().await => {}
                result => {
                    return result
                        .map_err(|failure| failure.report(operation, self.database.path()));
                }
            }
        }
    }

    /// What several statements answer, all of the same snapshot.
    pub(crate) async fn fetch_together(
        &self,
        operation: &'static str,
        statements: Vec<(&'static str, Vec<Value>)>,
    ) -> StoreResult<Vec<Vec<SqliteRow>>> {
        let mut patience = self.database.patience();
        loop {
            match self.attempt_together(statements.clone()).await {
                Err(failure) if failure.is_busy() && patience.wait().await => {}
                result => {
                    return result
                        .map_err(|failure| failure.report(operation, self.database.path()));
                }
            }
        }
    }

    async fn attempt_together(
        &self,
        statements: Vec<(&'static str, Vec<Value>)>,
    ) -> Result<Vec<Vec<SqliteRow>>, Failure> {
        let mut lease = self.lease().await?;
        // Not on loan while a transaction is open: dropped on the way, or after a failure, it is closed.
        let Some(mut connection) = lease.connection.take() else {
            return Err(Failure::new(Phase::Open, sqlx::Error::PoolClosed));
        };
        let answers = read_together(&mut connection, statements).await;
        let answers = answers.map_err(|error| Failure::new(Phase::Statement, error))?;
        lease.connection = Some(connection);
        Ok(answers)
    }

    async fn attempt(&self, sql: Sql, values: Vec<Value>) -> Result<Vec<SqliteRow>, Failure> {
        let mut lease = self.lease().await?;
        let rows = sql.with(values).fetch_all(lease.connection()).await;
        rows.map_err(|error| {
            let failure = Failure::new(Phase::Statement, error);
            if !failure.is_busy() {
                lease.discard();
            }
            failure
        })
    }

    /// Closes the connections that nobody uses. They remember the schema as they saw it; where SQLite is hindered from finding
    /// that it changed, it takes a table that is new for one that does not exist.
    pub(crate) fn close_idle(&self) {
        self.idle().clear();
    }

    async fn lease(&self) -> Result<Lease<'_>, Failure> {
        let Ok(permit) = self.permits.acquire().await else {
            return Err(Failure::new(Phase::Open, sqlx::Error::PoolClosed));
        };
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.database.open_for_reading().await?,
        };
        Ok(Lease {
            readers: self,
            connection: Some(connection),
            _permit: permit,
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read_together(
    connection: &mut SqliteConnection,
    statements: Vec<(&'static str, Vec<Value>)>,
) -> Result<Vec<Vec<SqliteRow>>, sqlx::Error> {
    query("BEGIN", values![]).execute(&mut *connection).await?;
    let mut answers = Vec::with_capacity(statements.len());
    for (sql, values) in statements {
        answers.push(query(sql, values).fetch_all(&mut *connection).await?);
    }
    query("COMMIT", values![]).execute(connection).await?;
    Ok(answers)
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

/// A connection on loan. It goes back before its permit does.
struct Lease<'a> {
    readers: &'a Readers,
    connection: Option<SqliteConnection>,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    fn connection(&mut self) -> &mut SqliteConnection {
        self.connection
            .as_mut()
            .expect("held until it is discarded")
    }

    fn discard(&mut self) {
        self.connection = None;
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.idle().push(connection);
        }
    }
}
