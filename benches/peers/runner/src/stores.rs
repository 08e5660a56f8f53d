use serde::{Deserialize, Serialize};

/// A store with the settings that matter to what a commit costs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Store {
    Postgres,
    /// Every commit synced: our default.
    SqliteFull,
    /// The log synced at checkpoints: what `durare` sets.
    SqliteNormal,
    RedisEverysec,
    RedisAlways,
    Memory,
}

impl Store {
    pub(crate) const ALL: [Self; 6] = [
        Self::Postgres,
        Self::SqliteFull,
        Self::SqliteNormal,
        Self::RedisEverysec,
        Self::RedisAlways,
        Self::Memory,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::SqliteFull => "sqlite-full",
            Self::SqliteNormal => "sqlite-normal",
            Self::RedisEverysec => "redis-everysec",
            Self::RedisAlways => "redis-always",
            Self::Memory => "memory",
        }
    }

    /// The value of `appendfsync`.
    pub(crate) fn appendfsync(self) -> Option<&'static str> {
        match self {
            Self::RedisEverysec => Some("everysec"),
            Self::RedisAlways => Some("always"),
            _ => None,
        }
    }
}

/// Who does the work.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Library {
    Durable,
    Dbos,
    Durare,
    /// Nobody: the bare operation of the store.
    Bare,
}

impl Library {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Dbos => "dbos",
            Self::Durare => "durare",
            Self::Bare => "bare",
        }
    }

    /// Whether any workflow has not ended, in its own tables in Postgres.
    pub(crate) fn unfinished(self) -> &'static str {
        match self {
            Self::Durable => {
                // By two indexes, however many have ended.
                "SELECT EXISTS (SELECT FROM durable.workflows WHERE status = 'PENDING')
                 OR EXISTS (SELECT FROM durable.workflows WHERE status = 'ENQUEUED' AND queue IS NOT NULL)"
            }
            _ => {
                "SELECT EXISTS (SELECT FROM dbos.workflow_status \
                 WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED'))"
            }
        }
    }
}
