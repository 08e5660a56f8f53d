use std::{fmt, time::Duration};

use durable_api::store::StoreErrorKind;
use futures::{StreamExt as _, stream::FuturesUnordered};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep, timeout},
};

use super::hosts::{Hosts, SessionAttrs, address};
use crate::error::{Failure, Stage, is_connection_lost, is_read_only};

/// The server in use may take so long to say that it still is the right one; then others are asked, too.
const HEAD_START: Duration = Duration::from_secs(1);

/// A server that does not answer for so long is not the one.
const LIMIT: Duration = Duration::from_secs(5);

/// Between two looks at the servers, at least.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Which of the servers connections are made to, and which connections are not to be used any more.
pub(crate) struct Route {
    hosts: Hosts,
    standing: watch::Sender<Standing>,
    /// Held by whoever looks at the servers: when somebody last did.
    looked: Mutex<Option<Instant>>,
}

#[derive(Clone, Copy, Default)]
struct Standing {
    /// Among the hosts.
    host: usize,
    /// How often it changed.
    moves: u64,
    /// Connections that were made before are not to be used.
    distrusted: Option<Instant>,
}

/// What is known of the servers. A connection is to be used as long as this is what it was when the connection was got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    moves: u64,
    distrusted: Option<Instant>,
}

impl Route {
    pub(crate) fn new(hosts: Hosts) -> Self {
        Self {
            hosts,
            standing: watch::Sender::default(),
            looked: Mutex::default(),
        }
    }

    pub(crate) fn location(&self) -> String {
        self.hosts.location()
    }

    /// Whether there is more than one server.
    pub(super) fn has_choice(&self) -> bool {
        self.hosts.candidates().len() > 1
    }

    /// How often the server changed until now.
    pub(super) fn moves(&self) -> u64 {
        self.standing.borrow().moves
    }

    /// How often the server changed, and how to reach the one that is in use since.
    pub(super) fn present(&self) -> (u64, &PgConnectOptions) {
        let Standing { host, moves, .. } = *self.standing.borrow();
        (moves, &self.hosts.candidates()[host])
    }

    pub(super) fn mark(&self) -> Mark {
        let Standing {
            moves, distrusted, ..
        } = *self.standing.borrow();
        Mark { moves, distrusted }
    }

    /// Whether a connection of this age can be used.
    pub(super) fn trusts(&self, age: Duration) -> bool {
        let distrusted = self.standing.borrow().distrusted;
        distrusted.is_none_or(|mark| Instant::now().duration_since(mark) > age)
    }

    /// Takes note of an error on a connection. One that was lost, or that found itself on a standby, is rarely alone.
    pub(super) fn note(&self, error: &sqlx::Error) {
        if is_read_only(error) || (self.has_choice() && is_connection_lost(error)) {
            self.distrust();
        }
    }

    /// No connection that there is now is used again.
    pub(super) fn distrust(&self) {
        let now = Instant::now();
        self.standing
            .send_modify(|standing| standing.distrusted = Some(now));
    }

    /// Fails on a connection to a server that is not wanted.
    pub(super) async fn check(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.hosts.wanted().check(connection).await
    }

    /// How to reach the server that is wanted, which has just been seen.
    pub(crate) async fn locate(&self) -> Result<PgConnectOptions, Failure> {
        if self.has_choice() || self.hosts.wanted() != SessionAttrs::Any {
            let _alone = self.looked.lock().await;
            let host = self.find().await?;
            self.move_to(host);
        }
        Ok(self.present().1.clone())
    }

    /// Looks for the server that is wanted, unless somebody just did. Answers whether it is another than it
    /// was when there had been `seen` moves.
    pub(super) async fn seek(&self, seen: u64) -> bool {
        let mut looked = self.looked.lock().await;
        let is_due = looked.is_none_or(|last| last.elapsed() >= PAUSE);
        if self.moves() == seen && is_due {
            match self.find().await {
                Ok(host) => self.move_to(host),
                Err(failure) => {
                    let error = failure.into_store_error("connect");
                    tracing::debug!(%error, "no server is the one that is wanted");
                }
            }
            *looked = Some(Instant::now());
        }
        self.moves() != seen
    }

    /// Waits until the server is another than it was when there had been `seen` moves, and looks for it meanwhile, after
    /// each pause.
    pub(super) async fn wait_for_move(&self, seen: u64, pause: Duration) {
        let mut standing = self.standing.subscribe();
        loop {
            tokio::select! {
                _ = standing.wait_for(|standing| standing.moves != seen) => return,
                () = sleep(pause) => {}
            }
            if self.seek(seen).await {
                return;
            }
        }
    }

    fn move_to(&self, host: usize) {
        let moved = self.standing.send_if_modified(|standing| {
            let moved = standing.host != host;
            if moved {
                standing.host = host;
                standing.moves += 1;
                standing.distrusted = Some(Instant::now());
            }
            moved
        });
        if moved {
            let address = address(&self.hosts.candidates()[host]);
            tracing::info!(address, "postgres is used at another host");
        }
    }

    /// The server that is wanted: the present one, if it says so soon; otherwise the first to say so.
    async fn find(&self) -> Result<usize, Failure> {
        let present = self.standing.borrow().host;
        let first = timeout(HEAD_START, self.try_host(present)).await;
        let failed = match first {
            Ok((host, Ok(()))) => return Ok(host),
            Ok((_, Err(error))) => Some(error),
            Err(_) => None,
        };
        let mut failures = Vec::new();
        let all = 0..self.hosts.candidates().len();
        let mut answers: FuturesUnordered<_> = all
            .filter(|host| *host != present || failed.is_none())
            .map(|host| self.try_host(host))
            .collect();
        while let Some((host, answer)) = answers.next().await {
            match answer {
                Ok(()) => return Ok(host),
                Err(error) => failures.push((host, error)),
            }
        }
        failures.extend(failed.map(|error| (present, error)));
        failures.sort_by_key(|(host, _)| *host);
        Err(self.explain(failures))
    }

    async fn try_host(&self, host: usize) -> (usize, Result<(), sqlx::Error>) {
        let attempt = async {
            let options = &self.hosts.candidates()[host];
            let mut connection = PgConnection::connect_with(options).await?;
            self.check(&mut connection).await?;
            connection.close().await
        };
        let answer = timeout(LIMIT, attempt).await;
        (host, answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)))
    }

    /// What is said when no server is the one: what each of them said. Where one refused the credentials, waiting is vain.
    fn explain(&self, failures: Vec<(usize, sqlx::Error)>) -> Failure {
        let mut kind = StoreErrorKind::Unavailable;
        let mut messages = Vec::new();
        for (host, error) in failures {
            let address = address(&self.hosts.candidates()[host]);
            messages.push(match &error {
                sqlx::Error::PoolTimedOut => format!("{address} does not answer"),
                error => format!("{address}: {error}"),
            });
            let failure = Failure::from_driver(error, Stage::Uncommitted);
            if kind == StoreErrorKind::Unavailable {
                kind = failure.kind;
            }
        }
        Failure::new(kind, messages.join("; "))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}
