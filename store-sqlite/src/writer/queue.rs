use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use sqlx::SqliteConnection;
use tokio::runtime::Handle;

use super::{watch::Watch, write::Job};
use crate::database::Database;

/// As many writes as one commit may carry; it bounds how long the first of them waits.
const MOST_WRITES: usize = 256;

/// As many bytes as one commit may carry, unless a single write has more.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What callers and the leader share.
pub(super) struct Shared {
    pub(super) database: Arc<Database>,
    pub(super) commits: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) watch: Watch,
    queue: Mutex<Queue>,
}

/// The queue of writes, and the connection while no leader has it.
struct Queue {
    waiting: VecDeque<Waiting>,
    led: bool,
    connection: Option<SqliteConnection>,
}

/// Whether nobody writes.
pub(super) enum Idle {
    /// Somebody does.
    No,
    /// Nobody does, and this is the connection.
    With(SqliteConnection),
    /// Nobody does, and the connection failed. The next write opens another one.
    Without,
}

/// A write in the queue, and the runtime of the caller who waits for it.
pub(super) struct Waiting {
    pub(super) job: Box<dyn Job>,
    runtime: Handle,
}

impl Shared {
    pub(super) fn new(database: Arc<Database>, connection: SqliteConnection) -> Self {
        Self {
            database,
            commits: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            watch: Watch::new(),
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                led: false,
                connection: Some(connection),
            }),
        }
    }

    /// Puts a write in the queue. `true`: there is no leader, and the caller is to start one.
    pub(super) fn push(&self, job: Box<dyn Job>, runtime: Handle) -> bool {
        let mut queue = self.queue();
        queue.waiting.push_back(Waiting { job, runtime });
        !std::mem::replace(&mut queue.led, true)
    }

    /// The writes for one commit: those that somebody waits for, oldest first.
    pub(super) fn take_batch(&self) -> Vec<Box<dyn Job>> {
        let mut queue = self.queue();
        let mut batch: Vec<Box<dyn Job>> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = queue.waiting.pop_front() {
            if next.job.is_abandoned() {
                continue;
            }
            bytes += next.job.size();
            if !batch.is_empty() && (batch.len() == MOST_WRITES || bytes > MOST_BYTES) {
                queue.waiting.push_front(next);
                break;
            }
            batch.push(next.job);
        }
        batch
    }

    pub(super) fn take_connection(&self) -> Option<SqliteConnection> {
        self.queue().connection.take()
    }

    /// The connection, if nobody has it, and with it the lead, until it is laid down.
    pub(super) fn borrow_connection(&self) -> Idle {
        let mut queue = self.queue();
        if queue.led {
            return Idle::No;
        }
        match queue.connection.take() {
            None => Idle::Without,
            Some(connection) => {
                queue.led = true;
                Idle::With(connection)
            }
        }
    }

    /// Lays the connection down between two commits. Answers on which runtime the leader of the next
    /// one is to run; `None`, if nothing waits, and then there is no leader any more.
    pub(super) fn rest(&self, connection: Option<SqliteConnection>) -> Option<Handle> {
        let mut queue = self.queue();
        queue.connection = connection;
        queue.waiting.retain(|waiting| !waiting.job.is_abandoned());
        // A runtime in which nobody waits may stand still, so the leader goes where somebody does.
        let next = queue.waiting.front().map(|next| next.runtime.clone());
        queue.led = next.is_some();
        next
    }

    /// Gives up leading when the leader's runtime ends: what waits is returned, to be refused.
    pub(super) fn abdicate(&self) -> Vec<Box<dyn Job>> {
        let mut queue = self.queue();
        queue.led = false;
        queue.waiting.drain(..).map(|waiting| waiting.job).collect()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
