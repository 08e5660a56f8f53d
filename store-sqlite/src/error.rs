use std::{path::Path, sync::Arc};

use durable_api::store::{StoreError, StoreErrorKind, StoreResult};

/// How far a transaction had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A connection was being opened.
    Open,
    /// Nothing had been committed, and nothing will be.
    Statement,
    /// The commit was under way.
    Commit,
}

/// A failure of a transaction, which any number of callers may be told of.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    phase: Phase,
    error: Arc<sqlx::Error>,
}

impl Failure {
    pub(crate) fn new(phase: Phase, error: sqlx::Error) -> Self {
        Self {
            phase,
            error: Arc::new(error),
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        is_busy(&self.error)
    }

    pub(crate) fn kind(&self) -> StoreErrorKind {
        kind(&self.error, self.phase)
    }

    /// What a caller of `operation` on the file at `path` is told.
    pub(crate) fn report(&self, operation: &'static str, path: &Path) -> StoreError {
        let gone = primary_code(&self.error) == Some(CANTOPEN) && !path.exists();
        let kind = if gone {
            StoreErrorKind::Failed
        } else {
            self.kind()
        };
        let hint = match kind {
            _ if gone => " is gone",
            StoreErrorKind::Contention => ": another process held the file for too long",
            StoreErrorKind::Denied => {
                ": the file, or its directory, in which sqlite keeps two more files, is not writable"
            }
            _ => "",
        };
        StoreError::new(kind, operation)
            .with_message(format!("file `{}`{hint}", path.display()))
            .with_source(Arc::clone(&self.error))
    }
}

/// Whether another connection was in the way.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(BUSY | LOCKED | PROTOCOL | SCHEMA))
}

/// Whether a constraint, or a trigger, refuses the data.
pub(crate) fn is_refusal_of_data(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(CONSTRAINT)
}

/// Whether SQLite says that a statement makes no sense, as that a savepoint does not exist.
pub(crate) fn is_mistake(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(ERROR)
}

/// Refuses texts with NUL, which not every backend can hold.
pub(crate) fn check_texts<'a>(
    operation: &'static str,
    texts: impl IntoIterator<Item = &'a str>,
) -> StoreResult<()> {
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(StoreError::new(StoreErrorKind::Invalid, operation)
            .with_message("an id or a name contains the character NUL"));
    }
    Ok(())
}

// https://sqlite.org/rescode.html
const ERROR: i32 = 1;
const PERM: i32 = 3;
const ABORT: i32 = 4;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const CANTOPEN: i32 = 14;
const PROTOCOL: i32 = 15;
const SCHEMA: i32 = 17;
const TOOBIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const AUTH: i32 = 23;
const FORMAT: i32 = 24;
const NOTADB: i32 = 26;
const READONLY_DBMOVED: i32 = READONLY | (4 << 8);
const IOERR_NOMEM: i32 = IOERR | (12 << 8);

fn kind(error: &sqlx::Error, phase: Phase) -> StoreErrorKind {
    let Some(extended) = extended_code(error) else {
        return match error {
            // The thread that owns the connection is gone, and with it whatever was not committed.
            sqlx::Error::WorkerCrashed if phase == Phase::Commit => StoreErrorKind::Indeterminate,
            sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => StoreErrorKind::Unavailable,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Failed,
        };
    };
    match (extended & 0xff, phase) {
        _ if extended == READONLY_DBMOVED => StoreErrorKind::Failed,
        (BUSY | LOCKED | PROTOCOL | SCHEMA | ABORT, _) => StoreErrorKind::Contention,
        // What was written of the commit may be whole after all, and is found so after a crash.
        (IOERR, Phase::Commit) => StoreErrorKind::Indeterminate,
        _ if extended == IOERR_NOMEM => StoreErrorKind::Unavailable,
        (NOMEM | INTERRUPT, _) => StoreErrorKind::Unavailable,
        (PERM | READONLY | AUTH, _) | (CANTOPEN, Phase::Open) => StoreErrorKind::Denied,
        // Later on it is a lack of file descriptors rather than of rights.
        (CANTOPEN, _) => StoreErrorKind::Unavailable,
        (CORRUPT | FORMAT, _) => StoreErrorKind::Corrupt,
        (TOOBIG, _) => StoreErrorKind::Invalid,
        (NOTADB, _) => StoreErrorKind::Incompatible,
        _ => StoreErrorKind::Failed,
    }
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    extended_code(error).map(|code| code & 0xff)
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, error::Error as StdError, fmt};

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// An error of SQLite's with that code, and a text that says something else.
    #[derive(Debug)]
    struct Coded(i32);

    impl fmt::Display for Coded {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("database is locked")
        }
    }

    impl StdError for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &str {
            "database is locked"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn kind_of(code: i32, phase: Phase) -> StoreErrorKind {
        Failure::new(phase, sqlx::Error::Database(Box::new(Coded(code)))).kind()
    }

    #[test]
    fn the_result_code_decides_and_not_the_text() {
        const IOERR_FSYNC: i32 = IOERR | (4 << 8);
        const BUSY_SNAPSHOT: i32 = BUSY | (2 << 8);
        const FULL: i32 = 13;
        const NO_SUCH_TABLE: i32 = 1;
        for (code, phase, kind) in [
            (BUSY, Phase::Statement, StoreErrorKind::Contention),
            (BUSY_SNAPSHOT, Phase::Statement, StoreErrorKind::Contention),
            (FULL, Phase::Statement, StoreErrorKind::Failed),
            (FULL, Phase::Commit, StoreErrorKind::Failed),
            (IOERR_FSYNC, Phase::Statement, StoreErrorKind::Failed),
            (IOERR_FSYNC, Phase::Commit, StoreErrorKind::Indeterminate),
            (NO_SUCH_TABLE, Phase::Statement, StoreErrorKind::Failed),
            (READONLY, Phase::Statement, StoreErrorKind::Denied),
            (READONLY_DBMOVED, Phase::Statement, StoreErrorKind::Failed),
            (CANTOPEN, Phase::Open, StoreErrorKind::Denied),
            (CANTOPEN, Phase::Statement, StoreErrorKind::Unavailable),
            (CORRUPT, Phase::Statement, StoreErrorKind::Corrupt),
            (TOOBIG, Phase::Statement, StoreErrorKind::Invalid),
            (NOTADB, Phase::Open, StoreErrorKind::Incompatible),
        ] {
            assert_eq!(kind_of(code, phase), kind, "code {code} in {phase:?}");
        }
    }

    #[test]
    fn a_connection_lost_in_a_commit_leaves_it_open_whether_it_was_applied() {
        let lost = |phase| Failure::new(phase, sqlx::Error::WorkerCrashed).kind();
        assert_eq!(lost(Phase::Commit), StoreErrorKind::Indeterminate);
        assert_eq!(lost(Phase::Statement), StoreErrorKind::Unavailable);
    }
}
