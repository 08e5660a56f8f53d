use std::{error::Error as StdError, fmt, sync::Arc};

/// What a [`StoreError`] means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store could not be reached. Nothing was applied; trying again later may work.
    Unavailable,
    /// Another transaction was in the way. Nothing was applied; trying again at once may work.
    Contention,
    /// The answer was lost. The write may or may not have been applied; repeating it is safe.
    Indeterminate,
    /// The store refused these credentials, or these credentials may not do this. Nothing was applied.
    Denied,
    /// The store was written by a newer version of this library, or is not a store of ours.
    Incompatible,
    /// The server is configured in a way that could lose work.
    Misconfigured,
    /// The request itself cannot be carried out, whatever the state of the store.
    Invalid,
    /// This kind of store cannot do what was asked. Nothing was applied.
    Unsupported,
    /// Something stored breaks an invariant: it was damaged or written by something else.
    Corrupt,
    /// The store failed in a way that trying again will not mend (a full disk, a read-only file, a
    /// missing table). Nothing was applied.
    Failed,
}

impl StoreErrorKind {
    /// Whether repeating the operation may succeed without anybody's help.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::Contention | Self::Indeterminate
        )
    }

    /// Whether nothing was applied, for certain.
    pub fn is_not_applied(self) -> bool {
        !matches!(self, Self::Indeterminate)
    }
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the store is unavailable",
            Self::Contention => "another transaction was in the way",
            Self::Indeterminate => "the answer was lost, the write may have been applied",
            Self::Denied => "the store denied access",
            Self::Incompatible => "the stored schema is not one this version can use",
            Self::Misconfigured => "the server's configuration could lose work",
            Self::Invalid => "the request is invalid",
            Self::Unsupported => "this store cannot do that",
            Self::Corrupt => "stored data is damaged",
            Self::Failed => "the store failed",
        })
    }
}

/// A malfunction of a store: what it was doing, what that means, and the driver's own error.
#[derive(Clone, Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    message: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// An error of `kind` in `operation` (the name of the trait's method, or `connect`).
    pub fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self {
            kind,
            operation,
            message: None,
            source: None,
        }
    }

    /// Says what in particular: the workflow, the setting, the file, and what to do about it.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Adds the driver's error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What the error means for the caller.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// What the store was doing.
    pub fn operation(&self) -> &'static str {
        self.operation
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.kind)?;
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What every method of a store returns.
pub type StoreResult<T> = Result<T, StoreError>;
