use std::{
    future::{Future, ready},
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use durable_api::store::StoreErrorKind;
use sqlx::{
    PgPool, Postgres, SqlSafeStr, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{sleep, timeout};

use super::{Route, begin::begin, hosts::standby, planner::steady_plans, route};
use crate::error::{Failure, Stage, classify, sqlstate};

/// Before a server that refused is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// An operation may take so long before it is asked whether its server still is the right one.
const PATIENCE: Duration = Duration::from_secs(3);

/// The server that is asked to write says that it cannot: it is a standby.
const CANNOT_WRITE: &str = "0A000";

/// A pool whose connections are to the server that accepts writes. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: PgPool,
    /// A pool of the caller's has none.
    route: Option<Arc<Route>>,
    /// Up to which move of the route the pool knows it.
    followed: Arc<AtomicU64>,
}

impl Connections {
    /// A pool of the caller's.
    pub(crate) fn given(pool: PgPool) -> Self {
        Self {
            pool,
            route: None,
            followed: Arc::default(),
        }
    }

    /// A pool that opens connections when they are needed.
    pub(crate) fn open(pool: PgPoolOptions, route: Arc<Route>, steady: bool) -> Self {
        let (for_new, for_old) = (Arc::clone(&route), Arc::clone(&route));
        let pool = pool
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
            })
            .connect_lazy_with(route.present().clone());
        Self {
            followed: Arc::new(AtomicU64::new(route.moves())),
            pool,
            route: Some(route),
        }
    }

    /// How often the server changed until now.
    pub(crate) fn moves(&self) -> u64 {
        self.route.as_ref().map_or(0, |route| route.moves())
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

    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.guided(|| self.pool.acquire()).await
    }

    /// A transaction that a statement begins.
    pub(crate) async fn begin(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let statement = statement.into_sql_str();
        self.guided(async || {
            let begun = begin(&self.pool, statement.clone()).await;
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
        if let Some(route) = &self.route {
            route.note(error);
        }
    }

    /// No connection that there is now is used again.
    fn distrust(&self) {
        if let Some(route) = &self.route {
            route.distrust();
        }
    }

    /// How to reach the server now.
    pub(crate) async fn locate(&self) -> Result<PgConnectOptions, Failure> {
        match &self.route {
            Some(route) => route.locate().await,
            None => Ok((*self.pool.connect_options()).clone()),
        }
    }

    /// Where the server is, without credentials.
    pub(crate) fn location(&self) -> String {
        match &self.route {
            Some(route) => route.location(),
            None => super::Hosts::from((*self.pool.connect_options()).clone()).location(),
        }
    }

    /// How long an operation waits for a connection.
    pub(crate) fn timeout(&self) -> Duration {
        self.pool.options().get_acquire_timeout()
    }

    /// Makes attempts at a connection until one succeeds, at whichever server is the right one by then.
    async fn guided<T, F>(&self, attempt: impl Fn() -> F + Send + Sync) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>> + Send,
        T: Send,
    {
        let Some(route) = self.choice() else {
            return attempt().await;
        };
        let mut last = None;
        let attempts = async {
            loop {
                let seen = self.follow(route);
                let error = tokio::select! {
                    done = attempt() => match done {
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
        self.route.as_deref().filter(|route| route.has_choice())
    }

    /// Has the pool make its connections to the present server.
    fn follow(&self, route: &Route) -> u64 {
        let moves = route.moves();
        if self.followed.load(Ordering::Acquire) != moves {
            self.pool.set_connect_options(route.present().clone());
            self.followed.store(moves, Ordering::Release);
        }
        moves
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
