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
    sql::{Sql, Value},
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
