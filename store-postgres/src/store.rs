use std::{fmt, sync::Arc};

use durable_api::store::StoreResult;
use sqlx::PgPool;

use crate::{
    PostgresOptions,
    batch::{Batcher, Limits},
    claim::Patience,
    database::{Connections, Database, Route, Server},
    effects::{Append, Deliver, Receive, Set},
    error::Failure,
    options::Opened,
    queues::Turns,
    wakeups::Hints,
    writes::{EnqueueBatch, Finish, Insert, Record},
};

/// A handle on a store in Postgres. A clone is another handle on the same pool.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) database: Database,
    pub(crate) server: Arc<Server>,
    pub(crate) inserts: Batcher<Insert>,
    pub(crate) enqueues: Batcher<EnqueueBatch>,
    pub(crate) records: Batcher<Record>,
    pub(crate) finishes: Batcher<Finish>,
    pub(crate) sends: Batcher<Deliver>,
    pub(crate) receives: Batcher<Receive>,
    pub(crate) events: Batcher<Set>,
    pub(crate) appends: Batcher<Append>,
    pub(crate) hints: Hints,
    /// The connections of transactional steps.
    pub(crate) bodies: Connections,
    /// How to reach the server for listening, if that is possible.
    pub(crate) listening: Option<Arc<Route>>,
    pub(crate) patience: Arc<Patience>,
    pub(crate) turns: Turns,
}

impl PostgresStore {
    /// Connects to the server that a URL names: `postgres://user:password@host/database?schema=jobs`.
    /// Nothing is created before [`migrate`](durable_api::store::LifecycleStore::migrate).
    ///
    /// # Errors
    /// `Invalid` for the URL, `Unavailable` or `Denied` for the connection, `Incompatible` or
    /// `Misconfigured` for a server that cannot hold the store. No message has a secret.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::connect_with(PostgresOptions::from_url(url)?).await
    }

    /// Options with their defaults, for [`connect_with`](Self::connect_with).
    pub fn builder() -> PostgresOptions {
        PostgresOptions::new()
    }

    /// Connects to the server that the options describe.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(options: PostgresOptions) -> StoreResult<Self> {
        open(options)
            .await
            .map_err(|failure| failure.into_store_error("connect"))
    }

    /// Uses an existing pool, with the default schema;
    /// [`PostgresOptions::from_pool`] with another.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn from_pool(pool: PgPool) -> StoreResult<Self> {
        Self::connect_with(PostgresOptions::from_pool(pool)).await
    }
}

async fn open(options: PostgresOptions) -> Result<PostgresStore, Failure> {
    let Opened {
        database,
        bodies,
        listening,
    } = options.open()?;
    let server = Server::probe(&database).await?;
    if let Some(hazard) = server.hazard() {
        tracing::warn!(location = %database.location(), hazard, "postgres may lose acknowledged work");
    }
    let limits = Limits::default();
    let hints = Hints::new(database.clone());
    let enqueue = EnqueueBatch::new(&database, hints.clone());
    Ok(PostgresStore {
        server: Arc::new(server),
        inserts: Batcher::new(Insert::new(&database), limits),
        enqueues: Batcher::new(enqueue, limits),
        records: Batcher::new(Record::new(&database), limits),
        finishes: Batcher::new(Finish::new(&database), limits),
        sends: Batcher::new(Deliver::new(&database), limits),
        receives: Batcher::new(Receive::new(&database), limits),
        events: Batcher::new(Set::new(&database), limits),
        appends: Batcher::new(Append::new(&database), limits),
        hints,
        listening,
        bodies,
        patience: Arc::default(),
        turns: Turns::default(),
        database,
    })
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
