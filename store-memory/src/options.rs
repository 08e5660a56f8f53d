use durable_api::store::{StoreError, StoreErrorKind, StoreResult};

/// Which store on memory to open. By default, a fresh and private one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryOptions {
    pub(crate) name: Option<String>,
}

impl MemoryOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares the store by this name within the process.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What `memory:` or `memory:<name>` says.
    pub(crate) fn from_url(url: &str) -> StoreResult<Self> {
        // The URL is not repeated in the message: of another scheme, it may hold a password.
        let invalid = || {
            StoreError::new(StoreErrorKind::Invalid, "connect")
                .with_message("a store on memory is `memory:` or `memory:<name>`")
        };
        match url.strip_prefix("memory:").ok_or_else(invalid)? {
            "" => Ok(Self::new()),
            name if name.starts_with('/') => Err(invalid()),
            name => Ok(Self::new().name(name)),
        }
    }
}
