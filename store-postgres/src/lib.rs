//! durable's system store on Postgres 13 or later: the production default.
//!
//! Everything lives in a schema of its own, `durable` unless another is chosen. No operation depends
//! on the state of a session, so a transaction-pooling proxy may stand between
//! ([`PostgresOptions::transaction_pooling`]). Writes of concurrent workflows share commits. Changes that other processes make
//! are told by `LISTEN` and `NOTIFY`; where nobody can listen, as behind such a proxy
//! ([`PostgresOptions::listen_url`]), they are found by asking again.
//!
//! ```no_run
//! # async fn example() -> Result<(), durable_api::store::StoreError> {
//! use durable_api::store::LifecycleStore as _;
//! use store_postgres::PostgresStore;
//!
//! let store = PostgresStore::connect("postgres://app:secret@db.example/app?schema=jobs").await?;
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
mod administration;
mod aggregates;
mod archives;
mod attributes;
mod batch;
mod claim;
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
mod queues;
mod record;
mod schedules;
mod steps;
mod store;
mod streams;
mod transactions;
mod url;
mod versions;
mod wakeups;
mod workflows;
mod writes;

pub use options::PostgresOptions;
pub use store::PostgresStore;
pub use transactions::{PgDataSource, PgTransaction};

/// The driver's pool, for [`PostgresStore::from_pool`], and its connection, which a [`PgTransaction`] is.
pub use sqlx::{PgConnection, PgPool};
