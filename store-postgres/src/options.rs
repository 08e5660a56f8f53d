use std::{fmt, sync::Arc, time::Duration};

use durable_api::store::{StoreErrorKind, StoreResult};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    database::{Connections, Database, Hosts, Route, Schema, close_distrusted},
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
    Connect(Box<Hosts>),
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
    /// Several hosts, by libpq's syntax (`postgres://user:password@one:5432,other:5433/database`), are a primary and its standbys. Every
    /// connection is to the one that accepts writes, and when that is lost, new ones find the standby that was promoted. With
    /// `target_session_attrs=primary` the host is wanted that is no standby, whatever the role's default for transactions; with `any`,
    /// which suits a list of proxies, the first that answers; `read-write` is the default for several hosts, and can be asked of one.
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

    pub(crate) fn from_hosts(hosts: Hosts) -> Self {
        Self::with_target(Target::Connect(Box::new(hosts)))
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

    /// Everything that reaches the server. Connects to nothing yet.
    pub(crate) fn open(self) -> Result<Opened, Failure> {
        let schema = Schema::new(&self.schema)?;
        if matches!(self.target, Target::Connect(_)) && self.acquire_timeout.is_zero() {
            return Err(Failure::new(
                StoreErrorKind::Invalid,
                "the acquire timeout is zero",
            ));
        }
        let elsewhere = self.listening_elsewhere()?;
        let (connections, bodies, route) = match self.target {
            Target::Pool(pool) => {
                let connect = (*pool.connect_options()).clone();
                let bodies = transactions::bodies(pool.options().clone(), self.max_transactions);
                let bodies = bodies.connect_lazy_with(connect.clone());
                (
                    Connections::given(pool),
                    Connections::given(bodies),
                    Arc::new(Route::new(connect.into())),
                )
            }
            Target::Connect(hosts) => {
                let hosts = match self.transaction_pooling {
                    // A proxy refuses start-up parameters that it does not know; we store no floats.
                    true => hosts.map(|options| options.extra_float_digits(None)),
                    false => *hosts,
                };
                let route = Arc::new(Route::new(hosts));
                // A ping before each use would cost a round trip; a broken connection is found by its use.
                let pool = PgPoolOptions::new()
                    .acquire_timeout(self.acquire_timeout)
                    .test_before_acquire(false);
                let bodies = transactions::bodies(pool.clone(), self.max_transactions);
                let pool = close_distrusted(pool, &route).max_connections(self.max_connections);
                let steady = !self.transaction_pooling;
                (
                    Connections::open(pool, Arc::clone(&route), steady),
                    Connections::open(bodies, Arc::clone(&route), false),
                    route,
                )
            }
        };
        let listening = match elsewhere {
            None if self.transaction_pooling => None,
            None => Some(route),
            elsewhere => elsewhere,
        };
        Ok(Opened {
            database: Database::new(connections, schema, self.transaction_pooling),
            bodies,
            listening,
        })
    }

    fn listening_elsewhere(&self) -> Result<Option<Arc<Route>>, Failure> {
        let Some(url) = &self.listen_url else {
            return Ok(None);
        };
        let hosts = url::parse_connection(url).map_err(|failure| {
            failure.with_message(
                "the listen_url cannot be read: postgres://user:password@host:5432/database, \
                 with parameters of the driver alone",
            )
        })?;
        Ok(Some(Arc::new(Route::new(hosts))))
    }
}

/// What reaches the server.
pub(crate) struct Opened {
    pub(crate) database: Database,
    /// The connections that bodies of transactional steps run on.
    pub(crate) bodies: Connections,
    /// How to reach the server for listening, if that is possible.
    pub(crate) listening: Option<Arc<Route>>,
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
