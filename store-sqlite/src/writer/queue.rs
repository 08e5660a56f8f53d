use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::SqliteConnection;
use tokio::{runtime::Handle, sync::oneshot};

use super::{turn::Turn, watch::Watch, write::Job};
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

/// What is in the queue, and the runtime of the caller who waits for it.
struct Waiting {
    entry: Entry,
    runtime: Handle,
}

enum Entry {
    Write(Box<dyn Job>),
    Turn(oneshot::Sender<Turn>),
}

impl Entry {
    /// Whether nobody waits any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Write(job) => job.is_abandoned(),
            Self::Turn(give) => give.is_closed(),
        }
    }
}

/// What a leader does next.
pub(super) enum Next {
    /// Commits these writes, of which there may be none.
    Writes(Vec<Box<dyn Job>>),
    /// Gives the lead away.
    Turn(oneshot::Sender<Turn>),
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
        self.put(Entry::Write(job), runtime)
    }

    /// Asks for a turn behind the writes in the queue. `true` as of [`push`](Self::push).
    pub(super) fn push_turn(&self, give: oneshot::Sender<Turn>, runtime: Handle) -> bool {
        self.put(Entry::Turn(give), runtime)
    }

    fn put(&self, entry: Entry, runtime: Handle) -> bool {
        let mut queue = self.queue();
        queue.waiting.push_back(Waiting { entry, runtime });
        !std::mem::replace(&mut queue.led, true)
    }

    /// Takes note of writes that were committed together.
    pub(super) fn count(&self, writes: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
    }

    /// The writes for one commit, or the turn that is next: of what somebody waits for, oldest first.
    pub(super) fn take_next(&self) -> Next {
        let mut queue = self.queue();
        let mut batch: Vec<Box<dyn Job>> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = queue.waiting.pop_front() {
            if next.entry.is_abandoned() {
                continue;
            }
            let (job, runtime) = match next.entry {
                Entry::Write(job) => (job, next.runtime),
                Entry::Turn(give) if batch.is_empty() => return Next::Turn(give),
                entry @ Entry::Turn(_) => {
                    let runtime = next.runtime;
                    queue.waiting.push_front(Waiting { entry, runtime });
                    break;
                }
            };
            bytes += job.size();
            if !batch.is_empty() && (batch.len() == MOST_WRITES || bytes > MOST_BYTES) {
                let entry = Entry::Write(job);
                queue.waiting.push_front(Waiting { entry, runtime });
                break;
            }
            batch.push(job);
        }
        Next::Writes(batch)
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
        queue
            .waiting
            .retain(|waiting| !waiting.entry.is_abandoned());
        // A runtime in which nobody waits may stand still, so the leader goes where somebody does.
        let next = queue.waiting.front().map(|next| next.runtime.clone());
        queue.led = next.is_some();
        next
    }

    /// Gives up leading when the leader's runtime ends: what waits is returned, to be refused. Who waits for a turn learns of it by
    /// the loss of its sender.
    pub(super) fn abdicate(&self) -> Vec<Box<dyn Job>> {
        let mut queue = self.queue();
        queue.led = false;
        let waiting = queue.waiting.drain(..);
        let jobs = waiting.filter_map(|waiting| match waiting.entry {
            Entry::Write(job) => Some(job),
            Entry::Turn(_) => None,
        });
        jobs.collect()
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
