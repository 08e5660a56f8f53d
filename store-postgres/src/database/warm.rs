use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{PgPool, Postgres, pool::PoolConnection};
use tokio::time::Instant;

use super::route::Mark;

/// So many are kept at most.
const MOST: usize = 4;

/// One that has not been used for so long goes back to its pool.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// After so long, one goes back however busy it is: the pool knows how old connections may get.
const AWAY_FOR: Duration = Duration::from_secs(60);

/// Connections that have just done a single statement, and are at hand for the next. A pool tests each connection that comes back to it, which
/// takes a round trip, and so as long as many a statement.
#[derive(Default)]
pub(super) struct Warm {
    connections: Mutex<Vec<Kept>>,
    /// How many wait for a connection of the pool, of which this must not keep any then.
    waiting: AtomicUsize,
}

/// A connection for a single statement.
pub(crate) struct Lent {
    pub(super) connection: PoolConnection<Postgres>,
    /// What was known of the servers when the pool gave it.
    mark: Mark,
    /// When it did.
    since: Instant,
}

impl Lent {
    pub(super) fn new(connection: PoolConnection<Postgres>, mark: Mark) -> Self {
        Self {
            connection,
            mark,
            since: Instant::now(),
        }
    }
}

struct Kept {
    lent: Lent,
    used: Instant,
}

impl Warm {
    /// The one that was used last, if it can be used.
    pub(super) fn take(&self, mark: Mark) -> Option<Lent> {
        let kept = self.lock().pop()?;
        let is_good = kept.lent.mark == mark && kept.used.elapsed() < KEPT_FOR;
        if !is_good {
            // Those below it were used before it.
            self.clear();
        }
        is_good.then_some(kept.lent)
    }

    /// Keeps one that is between two statements, or lets the pool have it.
    pub(super) fn keep(&self, lent: Lent) {
        let mut connections = self.lock();
        let is_free = self.waiting.load(Ordering::SeqCst) == 0;
        if is_free && connections.len() < MOST && lent.since.elapsed() < AWAY_FOR {
            let used = Instant::now();
            connections.push(Kept { lent, used });
        }
    }

    /// Lets the pool have whatever comes until the answer is dropped, because somebody waits for it; and what is kept, if the pool has no other.
    pub(super) fn give_way(&self, pool: &PgPool) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        if pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections() {
            self.clear();
        }
        Waiting(self)
    }

    fn clear(&self) {
        let kept = std::mem::take(&mut *self.lock());
        drop(kept);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        for kept in self.lock().drain(..) {
            // To go back it would need a runtime, which may be gone.
            drop(kept.lent.connection.detach());
        }
    }
}

/// Somebody waits.
pub(super) struct Waiting<'w>(&'w Warm);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
