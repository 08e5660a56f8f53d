use std::{error::Error as StdError, fmt, sync::Arc};

use durable_api::store::{NotOwner, StoreError, StoreErrorKind};
use sqlx::{
    Error,
    postgres::{PgDatabaseError, PgSeverity},
};

/// How far an operation had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Whatever was sent so far, nothing can have been committed.
    Uncommitted,
    /// A commit was under way: if the connection broke, it may have happened.
    Committing,
}

/// A failed operation, in a form that every caller of a shared commit can have a copy of.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    message: Option<String>,
    source: Option<Arc<Error>>,
    /// Whether the fence refused it, and nothing failed.
    is_refusal: bool,
}

impl Failure {
    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: Some(message.into()),
            source: None,
            is_refusal: false,
        }
    }

    /// The execution on whose behalf it was to be done does not own its workflow.
    pub(crate) fn not_owner() -> Self {
        Self {
            kind: StoreErrorKind::Invalid,
            message: None,
            source: None,
            is_refusal: true,
        }
    }

    pub(crate) fn from_driver(error: Error, stage: Stage) -> Self {
        let kind = classify(&error, stage);
        let message = (kind == StoreErrorKind::Incompatible)
            .then(|| "a table or column is missing: run migrate".to_owned());
        Self {
            kind,
            message,
            source: Some(Arc::new(error)),
            is_refusal: false,
        }
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The SQLSTATE, if the server reported the failure.
    pub(crate) fn sqlstate(&self) -> Option<&str> {
        sqlstate(self.source.as_deref()?)
    }

    pub(crate) fn into_store_error(self, operation: &'static str) -> StoreError {
        if self.is_refusal {
            return NotOwner::error(operation);
        }
        let mut error = StoreError::new(self.kind, operation);
        if let Some(message) = self.message {
            error = error.with_message(message);
        }
        if let Some(source) = self.source {
            error = error.with_source(Shared(source));
        }
        error
    }
}

/// The driver's error, shared by the callers whose writes travelled together.
#[derive(Debug)]
struct Shared(Arc<Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// What a SQLSTATE says.
#[derive(Clone, Copy)]
enum Meaning {
    /// The statement was refused; nothing was applied.
    Refused(StoreErrorKind),
    /// The connection is gone.
    Lost,
}

/// A write on a server, or in a transaction, that does not accept any.
pub(crate) const READ_ONLY: &str = "25006";

/// By SQLSTATE or its beginning; the first that fits counts, and what is not here is `Failed`.
const SQLSTATES: &[(&str, Meaning)] = &[
    ("08", Meaning::Lost),
    ("22", Meaning::Refused(StoreErrorKind::Invalid)),
    // A unique violation where none is expected: another transaction wrote the row meanwhile.
    ("23505", Meaning::Refused(StoreErrorKind::Contention)),
    // A server that has become a standby; another one will accept writes.
    (READ_ONLY, Meaning::Refused(StoreErrorKind::Unavailable)),
    ("25P03", Meaning::Lost),
    ("28", Meaning::Refused(StoreErrorKind::Denied)),
    ("3F000", Meaning::Refused(StoreErrorKind::Incompatible)),
    ("40003", Meaning::Lost),
    ("40", Meaning::Refused(StoreErrorKind::Contention)),
    ("42501", Meaning::Refused(StoreErrorKind::Denied)),
    ("42703", Meaning::Refused(StoreErrorKind::Incompatible)),
    ("42P01", Meaning::Refused(StoreErrorKind::Incompatible)),
    ("53200", Meaning::Refused(StoreErrorKind::Unavailable)),
    ("53300", Meaning::Refused(StoreErrorKind::Unavailable)),
    ("54", Meaning::Refused(StoreErrorKind::Invalid)),
    ("55P03", Meaning::Refused(StoreErrorKind::Contention)),
    // A statement timeout.
    ("57014", Meaning::Refused(StoreErrorKind::Unavailable)),
    ("57P", Meaning::Lost),
    ("XX001", Meaning::Refused(StoreErrorKind::Corrupt)),
    ("XX002", Meaning::Refused(StoreErrorKind::Corrupt)),
];

/// What an error means for an operation that had come so far.
pub(crate) fn classify(error: &Error, stage: Stage) -> StoreErrorKind {
    let lost = match stage {
        Stage::Uncommitted => StoreErrorKind::Unavailable,
        Stage::Committing => StoreErrorKind::Indeterminate,
    };
    match error {
        Error::Database(_) => match postgres_error(error) {
            Some(error) => classify_sqlstate(error, stage, lost),
            None => StoreErrorKind::Failed,
        },
        Error::Io(_) | Error::Protocol(_) => lost,
        Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::BeginFailed => {
            StoreErrorKind::Unavailable
        }
        Error::Configuration(_) | Error::InvalidArgument(_) | Error::Encode(_) => {
            StoreErrorKind::Invalid
        }
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::RowNotFound => {
            StoreErrorKind::Corrupt
        }
        _ => StoreErrorKind::Failed,
    }
}

fn classify_sqlstate(
    error: &PgDatabaseError,
    stage: Stage,
    lost: StoreErrorKind,
) -> StoreErrorKind {
    // A fatal error ends the connection, and may come after the commit.
    let fatal = matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    if fatal && stage == Stage::Committing {
        return lost;
    }
    let meaning = SQLSTATES
        .iter()
        .find(|(state, _)| error.code().starts_with(state));
    match meaning {
        Some((_, Meaning::Refused(kind))) => *kind,
        Some((_, Meaning::Lost)) => lost,
        None => StoreErrorKind::Failed,
    }
}

/// The SQLSTATE, if the server reported the error.
pub(crate) fn sqlstate(error: &Error) -> Option<&str> {
    postgres_error(error).map(PgDatabaseError::code)
}

/// Whether a write was refused because the server, or the transaction, accepts none.
pub(crate) fn is_read_only(error: &Error) -> bool {
    sqlstate(error) == Some(READ_ONLY)
}

/// Whether the connection is gone.
pub(crate) fn is_connection_lost(error: &Error) -> bool {
    // Nothing else differs between the two stages.
    classify(error, Stage::Committing) == StoreErrorKind::Indeterminate
}

fn postgres_error(error: &Error) -> Option<&PgDatabaseError> {
    error
        .as_database_error()?
        .try_downcast_ref::<PgDatabaseError>()
}
