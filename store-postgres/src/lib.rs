//! durable's system store on Postgres 13 or later: the production default.
//!
//! Everything lives in a schema of its own, `durable` unless another is chosen. No operation depends
//! on the state of a session, so a transaction-pooling proxy may stand between
//! ([`PostgresOptions::transaction_pooling`]). Writes of concurrent workflows share commits. Changes that other processes make
//! are told by `LISTEN` and `NOTIFY`; where nobody can listen, as behind such a proxy
//! ([`PostgresOptions::listen_url`]), they are found by asking again.
//!
//! # High availability
//!
//! A URL may name a primary and its standbys ([`PostgresOptions::from_url`]), as
//! `postgres://app:secret@one.example,other.example/app`. Every connection is to the one that accepts writes. When it is lost, new
//! connections find the standby that was promoted, within about a second of the promotion, and those that listen say that anything may have
//! changed. Whoever looks asks the host in use first, then all at once. A primary that is gone without closing its connections is
//! noticed when an operation has taken three seconds while another host accepts writes. Operations that met the
//! failover end in `Unavailable` or `Indeterminate`, which the engine repeats.
//!
//! Promotion is the work of whoever runs the servers (Patroni, pg_auto_failover, a managed service), and so is it that no two hosts
//! accept writes at the same time. What an acknowledged write survives is their setting, too: with `synchronous_standby_names` set, and
//! `synchronous_commit` at `on` or above, the synchronous standby has every acknowledged write; without, a failover can lose the latest ones.
//!
//! A pool of the caller's ([`PostgresOptions::from_pool`]) connects to wherever it was told to.
//!
//! # Example
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
mod changes;
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
