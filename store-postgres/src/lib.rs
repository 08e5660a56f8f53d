//! durable's system store on Postgres 13 or later: the production default.
//!
//! Everything lives in a schema of its own, `durable` unless another is chosen. No operation depends
//! on the state of a session, so a transaction-pooling proxy may stand between
//! ([`PostgresOptions::transaction_pooling`]). Writes of concurrent workflows share commits.
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
mod batch;
mod claim;
mod database;
mod error;
mod executors;
mod lifecycle;
mod migrations;
mod options;
mod record;
mod steps;
mod store;
mod url;
mod versions;
mod workflows;
mod writes;

pub use options::PostgresOptions;
pub use store::PostgresStore;

/// The driver's pool, for [`PostgresStore::from_pool`].
pub use sqlx::PgPool;
