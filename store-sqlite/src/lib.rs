//! durable's system store on SQLite: one file, durable, nothing to install.
//!
//! Every acknowledged write is on disk. Writes of concurrent callers share one commit, and so one
//! sync of the disk. Any number of processes on one machine may use the file at the same time; they
//! take turns, and nobody meets a locked database. The file must be on a local disk: SQLite's
//! write-ahead log does not work over a network file system.
//!
//! ```no_run
//! # async fn example() -> Result<(), durable_api::store::StoreError> {
//! use durable_api::store::LifecycleStore;
//! use store_sqlite::SqliteStore;
//!
//! let store = SqliteStore::connect("sqlite:app.db").await?;
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
mod administration;
mod aggregates;
mod archives;
mod attributes;
mod changes;
mod database;
mod effects;
mod error;
mod events;
mod executors;
mod filter;
mod lifecycle;
mod management;
mod messages;
mod migrations;
mod options;
mod outbox;
mod patience;
mod queues;
mod readers;
mod record;
mod schedules;
mod sql;
mod steps;
mod store;
mod streams;
mod transactions;
mod url;
mod versions;
mod wakeups;
mod workflows;
mod writer;

pub use options::{Durability, SqliteOptions};
pub use store::{CommitStatistics, SqliteStore};
pub use transactions::{SqliteDataSource, SqliteTransaction};

/// The driver's pool, for [`SqliteDataSource::new`], and its connection, which a [`SqliteTransaction`] is.
pub use sqlx::{SqliteConnection, SqlitePool};
