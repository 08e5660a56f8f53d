use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    Durability, SqliteOptions,
    error::{Failure, Phase, is_busy},
    patience::Patience,
};

/// The file, and how connections to it are opened.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    durability: Durability,
    busy_timeout: Duration,
    writing: SqliteConnectOptions,
    reading: SqliteConnectOptions,
}

impl Database {
    /// # Errors
    /// What is plainly wrong with the path, before anything is touched.
    pub(crate) fn new(options: &SqliteOptions) -> StoreResult<Self> {
        // Absolute, so that no path looks like a URI to SQLite, and none changes its meaning with
        // the working directory.
        let path = std::path::absolute(&options.path).map_err(|error| {
            refused(StoreErrorKind::Invalid, &options.path, "is not a path").with_source(error)
        })?;
        examine(&path)?;
        let common = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(Patience::SLICE)
            .disable_statement_logging();
        let mut writing = common
            .clone()
            .create_if_missing(true)
            .pragma("synchronous", options.durability.pragma())
            // Where a plain sync stops at the drive's cache (macOS), sync beyond it.
            .pragma("fullfsync", "ON")
            .pragma("checkpoint_fullfsync", "ON")
            .pragma("journal_size_limit", "67108864");
        if let Some(pages) = options.max_pages {
            writing = writing.pragma("max_page_count", pages.to_string());
        }
        Ok(Self {
            path,
            durability: options.durability,
            busy_timeout: options.busy_timeout,
            writing,
            // Not SQLite's read-only mode, which cannot recover the log after a crash.
            reading: common.pragma("query_only", "ON"),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// For how long operations wait for other processes.
    pub(crate) fn patience(&self) -> Patience {
        Patience::new(self.busy_timeout)
    }

    /// A connection that may write, and that makes the file if there is none.
    pub(crate) async fn open_for_writing(&self) -> Result<SqliteConnection, Failure> {
        self.open(&self.writing).await
    }

    /// A connection that cannot write.
    pub(crate) async fn open_for_reading(&self) -> Result<SqliteConnection, Failure> {
        self.open(&self.reading).await
    }

    async fn open(&self, options: &SqliteConnectOptions) -> Result<SqliteConnection, Failure> {
        let mut patience = self.patience();
        loop {
            match options.connect().await {
                Err(error) if is_busy(&error) && patience.wait().await => {}
                result => return result.map_err(|error| Failure::new(Phase::Open, error)),
            }
        }
    }
}

/// Looks at the file without opening it: a file descriptor of our own that closes would take away the locks that
/// SQLite holds on the file in this process.
fn examine(path: &Path) -> StoreResult<()> {
    match fs::metadata(path) {
        Ok(file) if file.is_dir() => Err(refused(
            StoreErrorKind::Failed,
            path,
            "is a directory, not a file",
        )),
        Ok(file) if file.permissions().readonly() => Err(refused(
            StoreErrorKind::Denied,
            path,
            "is read-only; make it writable",
        )),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = path.parent().unwrap_or(path);
            match fs::metadata(directory) {
                Ok(found) if found.is_dir() => Ok(()),
                _ => Err(refused(
                    StoreErrorKind::Failed,
                    path,
                    "cannot be made, because its directory does not exist; create that first",
                )),
            }
        }
        Err(error) => {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied => StoreErrorKind::Denied,
                _ => StoreErrorKind::Failed,
            };
            Err(refused(kind, path, "cannot be reached").with_source(error))
        }
    }
}

fn refused(kind: StoreErrorKind, path: &Path, what: &str) -> StoreError {
    StoreError::new(kind, "connect").with_message(format!("file `{}` {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;

    async fn synchronous(durability: Durability) -> i64 {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = SqliteOptions::new(directory.path().join("a.db")).durability(durability);
        let database = Database::new(&options).expect("can be made");
        let mut writer = database.open_for_writing().await.expect("opens");
        sqlx::query("PRAGMA synchronous")
            .fetch_one(&mut writer)
            .await
            .expect("answers")
            .get(0)
    }

    #[tokio::test]
    async fn the_writer_syncs_as_the_durability_says() {
        assert_eq!(synchronous(Durability::default()).await, 2);
        assert_eq!(synchronous(Durability::Full).await, 2);
        assert_eq!(synchronous(Durability::Extra).await, 3);
        assert_eq!(synchronous(Durability::Normal).await, 1);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = SqliteOptions::new(directory.path().join("a.db"));
        let database = Database::new(&options).expect("can be made");
        drop(database.open_for_writing().await.expect("opens"));
        let mut reader = database.open_for_reading().await.expect("opens");
        let written = sqlx::query("CREATE TABLE t (a)").execute(&mut reader).await;
        let failure = Failure::new(Phase::Statement, written.expect_err("is refused"));
        assert_eq!(failure.kind(), StoreErrorKind::Denied);
    }
}
