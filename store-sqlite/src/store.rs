use std::{fmt, sync::Arc, time::Duration};

use durable_api::store::{Fence, NotOwner, StoreResult};

use crate::{
    SqliteOptions,
    database::Database,
    queues::Rounds,
    readers::Readers,
    steps::check_owner,
    url,
    writer::{OnBehalf, Write, Writer},
};

/// A handle on a store that is a file of SQLite. A clone is another handle on the same connections.
///
/// Needs a tokio runtime with its time driver enabled. One connection writes, on behalf of all callers of all clones;
/// a few read.
///
/// # Wakeups
///
/// Of changes made through this handle and its clones, a subscription tells at once and exactly. Of commits by other
/// processes, or through another handle on the same file, it tells by
/// [`Everything`](durable_api::store::Wakeup::Everything), whatever they changed: SQLite notifies nobody, so the
/// subscription looks every [so often](SqliteOptions::polling) whether there were any. A look is one pragma on the connection that
/// writes, and is made while that has nothing to do; a transaction looks on its way. So commits of one's own wake nobody in
/// vain, and without a subscription nothing is looked at. While others commit without a pause, looks become up to eight times rarer, so
/// that everybody who waits asks the store again a few times a second, and not at every commit.
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) database: Arc<Database>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) polling: Option<Duration>,
    pub(crate) transaction_timeout: Duration,
    pub(crate) rounds: Arc<Rounds>,
    /// The execution on whose behalf this handle changes what is not its own.
    pub(crate) fence: Option<Arc<Fence>>,
}

impl SqliteStore {
    /// The store at a URL: `sqlite:app.db`, `sqlite://app.db` or `sqlite:/abs/app.db`. The path may
    /// be percent-encoded. Parameters:
    ///
    /// - `synchronous`: what an acknowledged write survives, by the name of a
    ///   [`Durability`](crate::Durability): `full` (the default), `extra` or `normal`;
    /// - `busy_timeout`: for how many milliseconds an operation waits for other processes;
    /// - `readers`: how many connections read;
    /// - `polling`: every how many milliseconds to look whether another process wrote, while somebody waits; 0 for never;
    /// - `transaction_timeout`: how many milliseconds the body of a transactional step may take.
    ///
    /// A file is made if there is none, in a directory that exists. Nothing is written to one that
    /// is there.
    ///
    /// # Errors
    /// `Invalid` when the URL is not understood, or asks for a store in memory (use `memory:`);
    /// `Denied` when the file may not be read or written; `Failed` when there is a directory in its
    /// place, or none to put it in; `Incompatible` when it is no database. All name the file.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::connect_with(url::parse(url)?).await
    }

    /// The store that the options describe; otherwise as [`connect`](Self::connect).
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(options: SqliteOptions) -> StoreResult<Self> {
        let database = Arc::new(Database::new(&options)?);
        let writer = Writer::connect(Arc::clone(&database)).await?;
        Ok(Self {
            readers: Arc::new(Readers::new(Arc::clone(&database), options.readers)),
            writer: Arc::new(writer),
            polling: options.polling,
            transaction_timeout: options.transaction_timeout,
            rounds: Arc::default(),
            fence: None,
            database,
        })
    }

    /// Options for [`connect_with`](Self::connect_with), with their defaults, for the file at `path`.
    pub fn builder(path: impl AsRef<std::path::Path>) -> SqliteOptions {
        SqliteOptions::new(path)
    }

    /// How much was committed through this handle and its clones.
    pub fn commit_statistics(&self) -> CommitStatistics {
        self.writer.statistics()
    }

    /// Has a write done, in a commit that it may share with others.
    pub(crate) async fn write<W: Write>(&self, write: W) -> StoreResult<W::Answer> {
        self.writer.submit(write).await
    }

    /// As [`write`](Self::write), on behalf of whoever this handle acts for.
    ///
    /// # Errors
    /// [`NotOwner`], if that is an execution that may not write any more.
    pub(crate) async fn change<W: Write>(&self, write: W) -> StoreResult<W::Answer> {
        let Some(fence) = &self.fence else {
            return self.write(write).await;
        };
        check_owner(W::OPERATION, fence.owner)?;
        let fenced = OnBehalf::new(Arc::clone(fence), write);
        let done = self.write(fenced).await?;
        done.ok_or_else(|| NotOwner::error(W::OPERATION))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.database.path())
            .finish_non_exhaustive()
    }
}

/// How much was committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommitStatistics {
    /// Transactions.
    pub commits: u64,
    /// Writes that they carried. More than commits, where callers shared them.
    pub writes: u64,
}
