use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use durable_api::store::StoreResult;

/// What an acknowledged write survives. All of them survive a crash of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Every commit is synced to disk before it is acknowledged.
    #[default]
    Full,
    /// As `Full`, and the directory is synced when a journal is removed from it.
    Extra,
    /// The log is synced at checkpoints only: the last commits may be lost when the machine loses
    /// power, in order, and the file stays sound. Faster, and only for who can lose work.
    Normal,
}

impl Durability {
    /// The value of SQLite's `synchronous` pragma.
    pub(crate) const fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Extra => "EXTRA",
            Self::Normal => "NORMAL",
        }
    }

    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Full => "every commit is synced to disk",
            Self::Extra => "every commit is synced to disk, and the directory with it",
            Self::Normal => {
                "survives a crash of the process, but may lose the last commits on power loss"
            }
        }
    }
}

/// How to open a store on SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) max_pages: Option<u32>,
    pub(crate) polling: Option<Duration>,
    pub(crate) transaction_timeout: Duration,
}

impl SqliteOptions {
    /// What a URL says, as [`SqliteStore::connect`](crate::SqliteStore::connect) reads it. Nothing is opened.
    ///
    /// # Errors
    /// `Invalid` when it is not understood, or names no file.
    pub fn from_url(url: &str) -> StoreResult<Self> {
        crate::url::parse(url)
    }

    /// How long an operation waits for another process by default: 30 seconds.
    pub const DEFAULT_BUSY_TIMEOUT: Duration = Duration::from_secs(30);

    /// How many connections read by default: 4.
    pub const DEFAULT_READERS: usize = 4;

    /// How often a subscription looks for changes of other processes by default: every 10 milliseconds.
    pub const DEFAULT_POLLING: Duration = Duration::from_millis(10);

    /// How long the body of a transactional step may take by default: 30 seconds.
    pub const DEFAULT_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);

    /// The file at `path`, with full durability. It is made if there is none.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            durability: Durability::default(),
            busy_timeout: Self::DEFAULT_BUSY_TIMEOUT,
            readers: Self::DEFAULT_READERS,
            max_pages: None,
            polling: Some(Self::DEFAULT_POLLING),
            transaction_timeout: Self::DEFAULT_TRANSACTION_TIMEOUT,
        }
    }

    /// What an acknowledged write survives; [`Durability::Full`] by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long an operation waits while other processes hold the file, before it fails with
    /// `Contention`; [30 seconds](Self::DEFAULT_BUSY_TIMEOUT) by default.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many connections read at the same time, at least one;
    /// [four](Self::DEFAULT_READERS) by default. One more writes.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// The file may not grow beyond this many pages (of 4096 bytes, unless an existing file says
    /// otherwise); beyond that the disk counts as full. No limit by default.
    #[must_use]
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.max_pages = Some(pages);
        self
    }

    /// How often a subscription to wakeups looks whether other processes have committed; every
    /// [10 milliseconds](Self::DEFAULT_POLLING) by default. Zero: never, so that it tells only of
    /// changes made through its own store.
    #[must_use]
    pub fn polling(mut self, interval: Duration) -> Self {
        self.polling = Some(interval).filter(|interval| !interval.is_zero());
        self
    }

    /// How long the body of a transactional step may take, because all other writes wait for it;
    /// [30 seconds](Self::DEFAULT_TRANSACTION_TIMEOUT) by default. After that it is rolled back, and its step has failed.
    #[must_use]
    pub fn transaction_timeout(mut self, timeout: Duration) -> Self {
        self.transaction_timeout = timeout;
        self
    }
}
