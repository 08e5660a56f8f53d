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
        let kind = self.kind();
        let hint = match kind {
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
