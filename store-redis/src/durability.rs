use std::fmt;

use durable_api::store::{StoreError, StoreErrorKind, StoreResult};

/// When the server syncs its append-only file to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FsyncPolicy {
    /// Before a write is acknowledged.
    Always,
    /// Every second.
    EverySecond,
    /// When the operating system sees fit.
    Never,
    /// The server does not tell.
    Unknown,
}

/// Which keys the server removes when its memory is full.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvictionPolicy {
    /// None: writes are refused.
    None,
    /// Keys that expire, of which this store makes none. The policy's name.
    Volatile(String),
    /// Any. The policy's name.
    AllKeys(String),
    /// The server does not tell.
    Unknown,
}

/// What the server's configuration makes of an acknowledged write, read when the store connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisDurability {
    /// Whether the server keeps an append-only file, if it tells.
    pub append_only: Option<bool>,
    /// When it syncs that.
    pub fsync: FsyncPolicy,
    /// Which keys it may evict.
    pub eviction: EvictionPolicy,
    /// The server's version.
    pub server_version: String,
}

impl RedisDurability {
    /// Whether every acknowledged write survives a crash of the server.
    pub fn is_strict(&self) -> bool {
        self.append_only == Some(true) && self.fsync == FsyncPolicy::Always
    }

    /// Refuses a server that may evict workflows.
    pub(crate) fn check(&self, operation: &'static str, allow_eviction: bool) -> StoreResult<()> {
        match &self.eviction {
            EvictionPolicy::AllKeys(policy) if !allow_eviction => Err(StoreError::new(
                StoreErrorKind::Misconfigured,
                operation,
            )
            .with_message(format!(
                "the server's maxmemory-policy is {policy}, which evicts workflows when its memory is full; set it to noeviction, \
                 or allow it by `allow_eviction=true`"
            ))),
            _ => Ok(()),
        }
    }

    pub(crate) fn log(&self, location: &str) {
        let Self {
            append_only,
            fsync,
            eviction,
            server_version,
        } = self;
        if *append_only == Some(true)
            && matches!(fsync, FsyncPolicy::Always | FsyncPolicy::EverySecond)
            && matches!(eviction, EvictionPolicy::None | EvictionPolicy::Volatile(_))
        {
            tracing::info!(location, server_version, durability = %self, "connected to redis");
        } else {
            tracing::warn!(location, server_version, durability = %self, "connected to a redis that may lose acknowledged work");
        }
    }
}

impl fmt::Display for RedisDurability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.append_only, self.fsync) {
            (Some(true), FsyncPolicy::Always) => "every write is synced to the append-only file",
            (Some(true), FsyncPolicy::EverySecond) => {
                "the append-only file is synced every second; a crash of the server can lose the last one"
            }
            (Some(true), FsyncPolicy::Never) => {
                "the append-only file is synced when the operating system sees fit"
            }
            (Some(true), FsyncPolicy::Unknown) => {
                "there is an append-only file; how often it is synced is unknown"
            }
            (Some(false), _) => {
                "there is no append-only file; a crash of the server loses what came after its last snapshot"
            }
            (None, _) => "the server does not tell how it persists",
        })?;
        match &self.eviction {
            EvictionPolicy::None | EvictionPolicy::Volatile(_) => Ok(()),
            EvictionPolicy::AllKeys(policy) => {
                write!(f, "; it may evict workflows ({policy})")
            }
            EvictionPolicy::Unknown => f.write_str("; what it evicts is unknown"),
        }
    }
}

impl FsyncPolicy {
    /// The policy of the setting `appendfsync`.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "always" => Self::Always,
            "everysec" => Self::EverySecond,
            "no" => Self::Never,
            _ => Self::Unknown,
        }
    }
}

impl EvictionPolicy {
    /// The policy of the setting `maxmemory-policy`.
    pub(crate) fn named(name: &str) -> Self {
        if name == "noeviction" {
            Self::None
        } else if name.starts_with("volatile-") {
            Self::Volatile(name.to_owned())
        } else if name.starts_with("allkeys-") {
            Self::AllKeys(name.to_owned())
        } else {
            Self::Unknown
        }
    }
}
