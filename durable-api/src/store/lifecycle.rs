use std::fmt::Debug;

use async_trait::async_trait;

use super::StoreResult;

/// What a store is, for logs and for people. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreDescription {
    /// The backend: `memory`, `sqlite`, `postgres`, `redis`.
    pub backend: &'static str,
    /// Where it is, without credentials.
    pub location: String,
    /// What survives what, in a few words: "every commit is synced to disk".
    pub durability: String,
}

impl StoreDescription {
    /// A description.
    pub fn new(
        backend: &'static str,
        location: impl Into<String>,
        durability: impl Into<String>,
    ) -> Self {
        Self {
            backend,
            location: location.into(),
            durability: durability.into(),
        }
    }
}

/// From a connection to a usable schema.
#[async_trait]
pub trait LifecycleStore: Debug + Send + Sync + 'static {
    /// Reaches the store once, so that a wrong address or password is found before work begins.
    ///
    /// # Errors
    /// `Unavailable` or `Denied`, with the location but no secret in the message.
    async fn ping(&self) -> StoreResult<()>;

    /// Creates the schema, or brings an older one up to date. Any number of processes may call it
    /// at once: one of them does the work and the others wait. Repeating it is harmless.
    ///
    /// # Errors
    /// `Incompatible` when the schema is newer than this program, which then changes nothing;
    /// `Denied` when the credentials may not create it.
    async fn migrate(&self) -> StoreResult<()>;

    /// Checks, without writing, that the schema is the one this program works with.
    ///
    /// # Errors
    /// `Incompatible` when it is absent, older or newer; `Misconfigured` when the server could lose work.
    async fn verify(&self) -> StoreResult<()>;

    /// What this store is.
    fn describe(&self) -> StoreDescription;
}
