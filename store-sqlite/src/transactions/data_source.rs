use std::{fmt, str::FromStr as _};

use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{
        DynBody, StepRef, StoreError, StoreErrorKind, StoreResult, TransactionOutcome,
        TransactionStore,
    },
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{OPERATION, completions::Completions, ledger::Ledger as _, open::OpenTransaction, run};
use crate::{effects::check_step, error::check_texts};

/// A database of the user's, apart from the store, that transactional steps write to.
///
/// What a step came to is committed there together with the step's own writes, in the table `durable_completions`; its
/// checkpoint in the store follows. An execution that finds the row does not run the body again, so the writes happen once,
/// also when executions race or a process ends between the two commits. Whether the execution still owns its
/// workflow is known to the store alone, and is judged there, when the checkpoint is written.
///
/// Rows stay until they are [pruned](Self::prune). The row of a workflow that was deleted would be met by
/// a new one of the same id: [forget](Self::forget) it, or never use an id twice.
///
/// The body's transaction is a [`SqliteTransaction`](crate::SqliteTransaction), as with the store. It waits for others who
/// write to the file for as long as the pool's connections do.
#[derive(Clone)]
pub struct SqliteDataSource {
    completions: Completions,
}

impl SqliteDataSource {
    /// Connects to the file that a URL names, in the driver's terms (`sqlite://shop.db?mode=rwc`), and creates the table if there is
    /// none.
    ///
    /// # Errors
    /// `Invalid` for the URL; otherwise as [`new`](Self::new).
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let options = SqliteConnectOptions::from_str(url).map_err(|error| {
            StoreError::new(StoreErrorKind::Invalid, "connect")
                .with_message("a data source on sqlite is `sqlite://<path of the file>`")
                .with_source(error)
        })?;
        Self::new(SqlitePoolOptions::new().connect_lazy_with(options)).await
    }

    /// Uses an existing pool, and creates the table if there is none. Any number of processes may do so at the same time.
    ///
    /// # Errors
    /// `Denied` or `Failed` when the file cannot be opened or written.
    pub async fn new(pool: SqlitePool) -> StoreResult<Self> {
        let completions = Completions::create(pool).await?;
        Ok(Self { completions })
    }

    /// Removes rows of steps that were completed before an instant. Answers how many. Safe for those whose workflows have ended, or
    /// whose checkpoints are known to be recorded: a workflow that is recovered after a crash runs a step without either once more.
    ///
    /// # Errors
    /// A malfunction of the database.
    pub async fn prune(&self, before: Timestamp) -> StoreResult<u64> {
        self.completions.prune(before).await
    }

    /// Removes the rows of a workflow that was deleted, so that its id can be used again. Answers how many.
    ///
    /// # Errors
    /// A malfunction of the database.
    pub async fn forget(&self, workflow_id: &str) -> StoreResult<u64> {
        check_texts("forget", [workflow_id])?;
        self.completions.forget(workflow_id).await
    }
}

#[async_trait]
impl TransactionStore for SqliteDataSource {
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        check_step(OPERATION, &step)?;
        let transaction = OpenTransaction::of_pool(self.completions.pool())
            .await
            .map_err(|failure| failure.report(OPERATION, self.completions.path()))?;
        run::run(transaction, &self.completions, &step, body, None).await
    }
}

impl fmt::Debug for SqliteDataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDataSource")
            .field("path", &self.completions.path())
            .finish_non_exhaustive()
    }
}
