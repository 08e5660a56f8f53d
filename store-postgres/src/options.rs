use std::{fmt, time::Duration};

use durable_api::store::{StoreErrorKind, StoreResult};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    database::{Database, Schema, steady_plans},
    error::Failure,
    transactions, url,
};

/// Which Postgres to use, and how.
///
/// A URL can carry the settings, too, as query parameters of the same names (and `acquire_timeout_ms`):
/// `?schema=…&transaction_pooling=true&listen_url=…&max_connections=…&max_transactions=…&acquire_timeout_ms=…`
#[derive(Clone)]
pub struct PostgresOptions {
    target: Target,
    schema: String,
    transaction_pooling: bool,
    max_connections: u32,
    max_transactions: u32,
    acquire_timeout: Duration,
    listen_url: Option<String>,
}

#[derive(Clone)]
enum Target {
    Connect(Box<PgConnectOptions>),
    Pool(PgPool),
}

impl PostgresOptions {
    /// The schema of a store that does not choose one.
    pub const DEFAULT_SCHEMA: &'static str = "durable";

    /// The defaults, for the server that the `PG*` environment variables name.
    pub fn new() -> Self {
        Self::with_target(Target::Connect(Box::default()))
    }

    /// What a URL says; the defaults for the rest.
    ///
    /// # Errors
    /// `Invalid` when it cannot be understood. The message does not repeat the URL.
    pub fn from_url(url: &str) -> StoreResult<Self> {
        url::parse(url).map_err(|failure| failure.into_store_error("connect"))
    }

    /// An existing pool. Its settings are left alone, and
    /// [`max_connections`](Self::max_connections) and [`acquire_timeout`](Self::acquire_timeout) have no
    /// effect.
    pub fn from_pool(pool: PgPool) -> Self {
        Self::with_target(Target::Pool(pool))
    }

    pub(crate) fn from_connect_options(options: PgConnectOptions) -> Self {
        Self::with_target(Target::Connect(Box::new(options)))
    }

    fn with_target(target: Target) -> Self {
        Self {
            target,
            schema: Self::DEFAULT_SCHEMA.to_owned(),
            transaction_pooling: false,
            max_connections: 10,
            max_transactions: 10,
            acquire_timeout: Duration::from_secs(10),
            listen_url: None,
        }
    }

    /// The schema that holds the tables; `durable` by default. Any name that Postgres allows.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Set this when a proxy that pools by transaction (PgBouncer, for one) stands between; off by default. Every
    /// operation then runs in an explicit transaction, without prepared statements that outlive
    /// it, which costs two round trips more. The statements of a transactional step's body are the caller's: they are
    /// `persistent(false)`, unless the proxy itself keeps track of prepared statements.
    #[must_use]
    pub fn transaction_pooling(mut self, on: bool) -> Self {
        self.transaction_pooling = on;
        self
    }

    /// How many connections the pool may hold, 10 by default, at least 1.
    #[must_use]
    pub fn max_connections(mut self, max_connections: u32) -> Self {
        self.max_connections = max_connections.max(1);
        self
    }

    /// How many bodies of transactional steps run at the same time, 10 by default, at least 1; more wait for their turn. Each holds a connection
    /// beyond those of [`max_connections`](Self::max_connections) and of an existing pool. None is opened before it is needed.
    #[must_use]
    pub fn max_transactions(mut self, max_transactions: u32) -> Self {
        self.max_transactions = max_transactions.max(1);
        self
    }

    /// How long an operation waits for a connection, 10 seconds by default.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// Where [`subscribe`](durable_api::store::WakeupStore::subscribe) listens for the changes of other processes: the
    /// URL of the same database, without a proxy that pools by transaction. By default that is the store's own
    /// address, or nowhere with [`transaction_pooling`](Self::transaction_pooling), through which
    /// nobody can listen.
    #[must_use]
    pub fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.listen_url = Some(url.into());
        self
    }

    /// How to reach the server for listening, if that is possible.
    pub(crate) fn listening(&self) -> Result<Option<PgConnectOptions>, Failure> {
        if let Some(url) = &self.listen_url {
            let options = url::parse_connection(url).map_err(|failure| {
                failure.with_message(
                    "the listen_url cannot be read: postgres://user:password@host:5432/database, \
                     with parameters of the driver alone",
                )
            });
            return options.map(Some);
        }
        Ok(match &self.target {
            _ if self.transaction_pooling => None,
            Target::Connect(options) => Some((**options).clone()),
            Target::Pool(pool) => Some((*pool.connect_options()).clone()),
        })
    }

    /// The connections that bodies of transactional steps run on.
    pub(crate) fn bodies(&self) -> PgPool {
        let (pool, connect) = match &self.target {
            Target::Pool(pool) => (pool.options().clone(), (*pool.connect_options()).clone()),
            Target::Connect(options) => {
                let pool = PgPoolOptions::new()
                    .acquire_timeout(self.acquire_timeout)
                    .test_before_acquire(false);
                let connect = (**options).clone();
                (
                    pool,
                    match self.transaction_pooling {
                        true => connect.extra_float_digits(None),
                        false => connect,
                    },
                )
            }
        };
        transactions::bodies(pool, connect, self.max_transactions)
    }

    pub(crate) fn into_database(self) -> Result<Database, Failure> {
        let schema = Schema::new(&self.schema)?;
        let pool = match self.target {
            Target::Pool(pool) => pool,
            Target::Connect(_) if self.acquire_timeout.is_zero() => {
                return Err(Failure::new(
                    StoreErrorKind::Invalid,
                    "the acquire timeout is zero",
                ));
            }
            Target::Connect(options) => {
                // A ping before each use would cost a round trip; a broken connection is found by its use.
                let pool = PgPoolOptions::new()
                    .max_connections(self.max_connections)
                    .acquire_timeout(self.acquire_timeout)
                    .test_before_acquire(false);
                if self.transaction_pooling {
                    // A proxy refuses start-up parameters that it does not know; we store no floats.
                    pool.connect_lazy_with(options.extra_float_digits(None))
                } else {
                    pool.after_connect(|connection, _| Box::pin(steady_plans(connection)))
                        .connect_lazy_with(*options)
                }
            }
        };
        Ok(Database::new(pool, schema, self.transaction_pooling))
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("transaction_pooling", &self.transaction_pooling)
            .field("max_connections", &self.max_connections)
            .field("max_transactions", &self.max_transactions)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("listens_elsewhere", &self.listen_url.is_some())
            .finish_non_exhaustive()
    }
}
