use std::{fmt, sync::Arc};

use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{DynBody, StepRef, StoreErrorKind, StoreResult, TransactionOutcome, TransactionStore},
};
use sqlx::{PgPool, postgres::PgPoolOptions};

use super::{completions::Completions, run};
use crate::{
    database::{Connections, Route, Schema, close_distrusted},
    error::Failure,
    url,
};

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
/// The body's transaction is a [`PgTransaction`](crate::PgTransaction), as with the store. A proxy that pools by transaction may stand
/// between if it keeps track of prepared statements.
#[derive(Clone)]
pub struct PgDataSource {
    completions: Completions,
}

impl PgDataSource {
    /// The schema of the table where none is chosen.
    pub const DEFAULT_SCHEMA: &'static str = "public";

    /// Connects to the database that a URL names, and creates the table if there is none. The parameter `schema` is that of
    /// the table; all others are the driver's. Several hosts are a primary and its standbys, as for the store
    /// ([`PostgresOptions::from_url`](crate::PostgresOptions::from_url)).
    ///
    /// # Errors
    /// `Invalid` for the URL; otherwise as [`new`](Self::new).
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let opened = match url::parse_data_source(url) {
            Ok((hosts, schema)) => {
                let route = Arc::new(Route::new(hosts));
                let pool = close_distrusted(PgPoolOptions::new(), &route);
                let connections = Connections::open(pool, route, false);
                open(
                    connections,
                    schema.as_deref().unwrap_or(Self::DEFAULT_SCHEMA),
                )
                .await
            }
            Err(failure) => Err(failure),
        };
        opened.map_err(|failure| failure.into_store_error("connect"))
    }

    /// Uses an existing pool, and creates the table in schema `public` if there is none. Any number of processes may do so at the
    /// same time.
    ///
    /// # Errors
    /// `Unavailable` or `Denied` for the connection, `Denied` when the table is missing and may not be created.
    pub async fn new(pool: PgPool) -> StoreResult<Self> {
        Self::in_schema(pool, Self::DEFAULT_SCHEMA).await
    }

    /// As [`new`](Self::new), with the table in another schema, which exists.
    ///
    /// # Errors
    /// As [`new`](Self::new); `Invalid` for a name that no schema can have.
    pub async fn in_schema(pool: PgPool, schema: &str) -> StoreResult<Self> {
        open(Connections::given(pool), schema)
            .await
            .map_err(|failure| failure.into_store_error("connect"))
    }

    /// Removes rows of steps that were completed before an instant. Answers how many. Safe for those whose workflows have ended, or
    /// whose checkpoints are known to be recorded: a workflow that is recovered after a crash runs a step without either once more.
    ///
    /// # Errors
    /// A malfunction of the database.
    pub async fn prune(&self, before: Timestamp) -> StoreResult<u64> {
        self.completions
            .prune(before)
            .await
            .map_err(|failure| failure.into_store_error("prune"))
    }

    /// Removes the rows of a workflow that was deleted, so that its id can be used again. Answers how many.
    ///
    /// # Errors
    /// A malfunction of the database.
    pub async fn forget(&self, workflow_id: &str) -> StoreResult<u64> {
        let forgotten = match crate::writes::check([workflow_id], None, []) {
            Ok(()) => self.completions.forget(workflow_id).await,
            Err(failure) => Err(failure),
        };
        forgotten.map_err(|failure| failure.into_store_error("forget"))
    }
}

async fn open(connections: Connections, schema: &str) -> Result<PgDataSource, Failure> {
    let schema = Schema::new(schema)?;
    let location = connections.location();
    let completions = Completions::create(connections, schema).await;
    let completions = completions.map_err(|failure| match failure.kind {
        StoreErrorKind::Unavailable | StoreErrorKind::Indeterminate => {
            failure.with_message(location)
        }
        _ => failure,
    })?;
    Ok(PgDataSource { completions })
}

#[async_trait]
impl TransactionStore for PgDataSource {
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        run::run(
            self.completions.connections(),
            &self.completions,
            &step,
            body,
        )
        .await
        .map_err(|failure| failure.into_store_error("run_transaction"))
    }
}

impl fmt::Debug for PgDataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgDataSource")
            .field("location", &self.completions.connections().location())
            .field("schema", &self.completions.schema_name())
            .finish_non_exhaustive()
    }
}
