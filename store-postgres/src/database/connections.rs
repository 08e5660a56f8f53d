use std::{
    future::{Future, ready},
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use durable_api::store::StoreErrorKind;
use sqlx::{
    PgPool, Postgres, SqlSafeStr, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{sleep, timeout};

use super::{
    Route,
    begin::begin,
    hosts::standby,
    planner::steady_plans,
    route,
    warm::{Lent, Warm},
};
use crate::error::{Failure, Stage, classify, sqlstate};

/// Before a server that refused is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// An operation may take so long before it is asked whether its server still is the right one.
const PATIENCE: Duration = Duration::from_secs(3);

/// The server that is asked to write says that it cannot: it is a standby.
const CANNOT_WRITE: &str = "0A000";

/// Connections to the server that accepts writes. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Connections {
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// A pool of the caller's.
    Given(PgPool),
    Ours(Arc<Ours>),
}

struct Ours {
    route: Arc<Route>,
    options: PgPoolOptions,
    current: Mutex<Current>,
    warm: Warm,
}

/// The pool of the server in use. When that is succeeded by another, so is the pool: what a server that is gone leaves without an answer,
/// a `BEGIN`, a rollback, or the ping with which a connection is given back, would hold a place in it for a quarter of an hour.
struct Current {
    pool: PgPool,
    /// After how many moves of the route it was made.
    moves: u64,
}

impl Ours {
    /// The present pool, and after how many moves it was made.
    fn current(&self) -> (PgPool, u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let moves = self.route.moves();
        if current.moves != moves {
            *current = Current::open(&self.options, &self.route);
        }
        (current.pool.clone(), current.moves)
    }
}

impl Current {
    fn open(options: &PgPoolOptions, route: &Route) -> Self {
        let (moves, present) = route.present();
        Self {
            pool: options.clone().connect_lazy_with(present.clone()),
            moves,
        }
    }
}

impl Connections {
    /// A pool of the caller's.
    pub(crate) fn given(pool: PgPool) -> Self {
        Self {
            source: Source::Given(pool),
        }
    }

    /// A pool that opens connections when they are needed.
    pub(crate) fn open(pool: PgPoolOptions, route: Arc<Route>, steady: bool) -> Self {
        let (for_new, for_old) = (Arc::clone(&route), Arc::clone(&route));
        let options = pool
            .after_connect(move |connection, _| {
                let route = Arc::clone(&for_new);
                Box::pin(async move {
                    route.check(connection).await?;
                    if steady {
                        steady_plans(connection).await?;
                    }
                    Ok(())
                })
            })
            .before_acquire(move |_, connection| {
                Box::pin(ready(Ok(for_old.trusts(connection.age))))
            });
        let current = Mutex::new(Current::open(&options, &route));
        Self {
            source: Source::Ours(Arc::new(Ours {
                route,
                options,
                current,
                warm: Warm::default(),
            })),
        }
    }

    fn route(&self) -> Option<&Route> {
        match &self.source {
            Source::Given(_) => None,
            Source::Ours(ours) => Some(&ours.route),
        }
    }

    /// How often the server changed until now.
    pub(crate) fn moves(&self) -> u64 {
        self.route().map_or(0, Route::moves)
    }

    /// Does work on a connection that was made when there had been `seen` moves. It is lost when its server is succeeded by another
    /// meanwhile: a server that is gone may leave its connections silent for a quarter of an hour.
    pub(crate) async fn watch<T: Send>(
        &self,
        seen: u64,
        work: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, sqlx::Error> {
        let Some(route) = self.choice() else {
            return work.await;
        };
        tokio::select! {
            biased;
            done = work => done,
            () = route.wait_for_move(seen, PATIENCE) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the server was succeeded by another").into())
            }
        }
    }

    /// A connection for a single statement: the one that did the last, if that has just been.
    pub(super) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        let warm = self.warm();
        let mark = self.route().map(Route::mark).unwrap_or_default();
        if let Some(lent) = warm.and_then(|warm| warm.take(mark)) {
            return Ok(lent);
        }
        Ok(Lent::new(self.acquire().await?, mark))
    }

    /// Takes a connection back whose statement succeeded.
    pub(super) fn take_back(&self, lent: Lent) {
        if let Some(warm) = self.warm() {
            warm.keep(lent);
        }
    }

    /// None are kept of a pool of the caller's, who may want them.
    fn warm(&self) -> Option<&Warm> {
        match &self.source {
            Source::Given(_) => None,
            Source::Ours(ours) => Some(&ours.warm),
        }
    }

    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.guided(async |pool| pool.acquire().await).await
    }

    /// A transaction that a statement begins.
    pub(crate) async fn begin(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let statement = statement.into_sql_str();
        self.guided(async |pool| {
            let begun = begin(&pool, statement.clone()).await;
            begun.map_err(|error| match sqlstate(&error) {
                Some(CANNOT_WRITE) => {
                    self.distrust();
                    standby()
                }
                _ => error,
            })
        })
        .await
    }

    /// Takes note of an error on one of the connections.
    pub(crate) fn note(&self, error: &sqlx::Error) {
        if let Some(route) = self.route() {
            route.note(error);
        }
    }

    /// No connection that there is now is used again.
    fn distrust(&self) {
        if let Some(route) = self.route() {
            route.distrust();
        }
    }

    /// How to reach the server now.
    pub(crate) async fn locate(&self) -> Result<PgConnectOptions, Failure> {
        match &self.source {
            Source::Ours(ours) => ours.route.locate().await,
            Source::Given(pool) => Ok((*pool.connect_options()).clone()),
        }
    }

    /// Where the server is, without credentials.
    pub(crate) fn location(&self) -> String {
        match &self.source {
            Source::Ours(ours) => ours.route.location(),
            Source::Given(pool) => super::Hosts::from((*pool.connect_options()).clone()).location(),
        }
    }

    /// How long an operation waits for a connection.
    pub(crate) fn timeout(&self) -> Duration {
        match &self.source {
            Source::Given(pool) => pool.options().get_acquire_timeout(),
            Source::Ours(ours) => ours.options.get_acquire_timeout(),
        }
    }

    /// Makes attempts at a connection until one succeeds, at whichever server is the right one by then.
    async fn guided<T, F>(
        &self,
        attempt: impl Fn(PgPool) -> F + Send + Sync,
    ) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>> + Send,
        T: Send,
    {
        let ours = match &self.source {
            Source::Given(pool) => return attempt(pool.clone()).await,
            Source::Ours(ours) => ours,
        };
        let route = &ours.route;
        if !route.has_choice() {
            let pool = ours.current().0;
            let _waiting = ours.warm.give_way(&pool);
            return attempt(pool).await;
        }
        let mut last = None;
        let attempts = async {
            loop {
                let (pool, seen) = ours.current();
                let _waiting = ours.warm.give_way(&pool);
                let error = tokio::select! {
                    done = attempt(pool) => match done {
                        Ok(done) if route.moves() == seen => return Ok(done),
                        Ok(_) => continue,
                        Err(error) => error,
                    },
                    // The attempt may hang, at a server that is gone.
                    () = route.wait_for_move(seen, route::PAUSE) => continue,
                };
                if !may_pass(&error) {
                    return Err(error);
                }
                last = Some(error);
                route.distrust();
                if !route.seek(seen).await {
                    sleep(PAUSE).await;
                }
            }
        };
        match timeout(self.timeout(), attempts).await {
            Ok(done) => done,
            Err(_) => Err(last.unwrap_or(sqlx::Error::PoolTimedOut)),
        }
    }

    /// The route, if there is more than one server.
    fn choice(&self) -> Option<&Route> {
        self.route().filter(|route| route.has_choice())
    }
}

/// Has a pool close a connection that is not to be used any more when it comes back. To test it could take long.
pub(crate) fn close_distrusted(pool: PgPoolOptions, route: &Arc<Route>) -> PgPoolOptions {
    let route = Arc::clone(route);
    pool.after_release(move |_, connection| Box::pin(ready(Ok(route.trusts(connection.age)))))
}

/// Whether another attempt, or another server, may do better.
fn may_pass(error: &sqlx::Error) -> bool {
    use sqlx::Error::{BeginFailed, Database, Io, Protocol, Tls};

    match error {
        Io(_) | Protocol(_) | Tls(_) | BeginFailed => true,
        Database(_) => classify(error, Stage::Uncommitted) == StoreErrorKind::Unavailable,
        _ => false,
    }
}
