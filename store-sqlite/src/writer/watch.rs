use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use durable_api::store::Wakeup;
use tokio::sync::broadcast;

/// As many hints as are passed on one by one; beyond that, everybody looks again.
const MOST_HINTS: usize = 1_000;

/// As many announcements as a subscriber may be behind.
const BACKLOG: usize = 1_024;

/// What one commit gives to tell.
pub(crate) type Announcement = Arc<[Wakeup]>;

/// The hints of one commit, each once.
#[derive(Debug, Default)]
pub(crate) struct Hints(HashSet<Wakeup>);

impl Hints {
    /// Something about this workflow changed.
    pub(crate) fn workflow(&mut self, id: &str) {
        self.0.insert(Wakeup::workflow(id));
    }

    /// Something about these workflows changed.
    pub(crate) fn workflows(&mut self, ids: &[String]) {
        self.0.extend(ids.iter().map(|id| Wakeup::workflow(id)));
    }

    /// There may be workflows to claim.
    pub(crate) fn claimable(&mut self) {
        self.0.insert(Wakeup::Claimable);
    }

    /// There may be workflows to take from a queue, or to release.
    pub(crate) fn enqueued(&mut self) {
        self.0.insert(Wakeup::Enqueued);
    }
}

/// Tells subscribers what was committed, by this connection or by others.
#[derive(Debug)]
pub(super) struct Watch {
    subscribers: broadcast::Sender<Announcement>,
    /// `PRAGMA data_version` of the connection that writes. It moves when another connection has
    /// committed, and never by commits of its own. `None`: that connection is a new one.
    version: Mutex<Option<i64>>,
    /// Another connection has committed, and nobody was told.
    untold: AtomicBool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            subscribers: broadcast::Sender::new(BACKLOG),
            version: Mutex::new(None),
            untold: AtomicBool::new(false),
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Announcement> {
        self.subscribers.subscribe()
    }

    /// Whether anybody wants to know.
    pub(super) fn is_watched(&self) -> bool {
        self.subscribers.receiver_count() > 0
    }

    /// Announces what a commit changed, which is visible by now.
    pub(super) fn announce(&self, hints: Hints) {
        let announcement: Announcement = match hints.0.len() {
            0 => return,
            1..=MOST_HINTS => hints.0.into_iter().collect(),
            _ => Arc::new([Wakeup::Everything]),
        };
        self.tell(announcement);
    }

    /// Takes note of the version that the connection shows now.
    pub(super) fn note(&self, version: i64) {
        let known = self.version().replace(version);
        if known != Some(version) {
            self.suspect();
        }
    }

    /// Others have committed, or may have, because there is nothing to see it by.
    pub(super) fn suspect(&self) {
        self.untold.store(true, Ordering::Relaxed);
    }

    /// The connection was replaced. What others committed meanwhile cannot be told from its version.
    pub(super) fn forget(&self) {
        *self.version() = None;
    }

    /// Tells of the commits of others, if there are any to tell of.
    pub(super) fn tell_of_others(&self) {
        if self.untold.swap(false, Ordering::Relaxed) {
            self.tell(Arc::new([Wakeup::Everything]));
        }
    }

    fn tell(&self, announcement: Announcement) {
        // Nobody need be there.
        let _ = self.subscribers.send(announcement);
    }

    fn version(&self) -> std::sync::MutexGuard<'_, Option<i64>> {
        self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::SqliteConnection;

    use super::*;
    use crate::{
        SqliteOptions,
        database::Database,
        sql::{query, values},
        writer::{Quick, Trouble, Write, Writer},
    };

    struct Create;

    impl Write for Create {
        type Answer = ();

        const OPERATION: &'static str = "create";

        fn size(&self) -> usize {
            0
        }

        fn quick(&self) -> Option<Quick<()>> {
            None
        }

        async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), Trouble> {
            create(connection).await.map_err(Trouble::from)
        }
    }

    async fn create(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        query("CREATE TABLE IF NOT EXISTS t (a)", values![])
            .execute(&mut *connection)
            .await?;
        query("INSERT INTO t VALUES (1)", values![])
            .execute(connection)
            .await
            .map(drop)
    }

    // A store that is never idle has no other occasion to see it.
    #[tokio::test]
    async fn a_transaction_sees_that_others_have_committed_before_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = SqliteOptions::new(directory.path().join("a.db"));
        let database = Arc::new(Database::new(&options).expect("can be made"));
        let writer = Writer::connect(Arc::clone(&database)).await.expect("opens");
        let mut other = database.open_for_writing().await.expect("opens");
        let (observer, mut announcements) = writer.observe().await.expect("observes");
        let watch = &writer.shared.watch;

        for _ in 0..3 {
            writer.submit(Create).await.expect("commits");
            watch.tell_of_others();
            assert!(announcements.try_recv().is_err(), "its own commit");

            create(&mut other).await.expect("commits");
            writer.submit(Create).await.expect("commits");
            watch.tell_of_others();
            let told = announcements.try_recv().expect("another's commit");
            assert_eq!(*told, [Wakeup::Everything]);
        }
        drop(observer);
    }
}
