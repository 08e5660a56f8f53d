use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreResult;
use crate::Timestamp;

/// A request to note that an application runs in a version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisterVersion {
    /// The application.
    pub app: String,
    /// The version.
    pub version: String,
    /// The present time.
    pub now: Timestamp,
}

impl RegisterVersion {
    /// A request.
    pub fn new(app: impl Into<String>, version: impl Into<String>, now: Timestamp) -> Self {
        Self {
            app: app.into(),
            version: version.into(),
            now,
        }
    }
}

/// A version of an application, as first registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VersionRecord {
    /// The version.
    pub version: String,
    /// When it was first registered.
    pub registered_at: Timestamp,
}

impl VersionRecord {
    /// A record.
    pub fn new(version: impl Into<String>, registered_at: Timestamp) -> Self {
        Self {
            version: version.into(),
            registered_at,
        }
    }
}

/// Answer to [`set_latest_version`](VersionStore::set_latest_version).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetLatestOutcome {
    /// It is the latest.
    Set,
    /// It was never registered. Nothing was written.
    UnknownVersion,
}

/// Versions of applications.
#[async_trait]
pub trait VersionStore: Debug + Send + Sync + 'static {
    /// Notes a version. One that is known keeps its first time of registration.
    async fn register_version(&self, request: RegisterVersion) -> StoreResult<()>;

    /// Makes a registered version the latest one, as if it had been registered `now` (or a millisecond after the
    /// latest, if that is later).
    async fn set_latest_version(&self, request: RegisterVersion) -> StoreResult<SetLatestOutcome>;

    /// All versions of an application, the latest first; those of one millisecond by name, descending.
    async fn list_versions(&self, app: &str) -> StoreResult<Vec<VersionRecord>>;
}
