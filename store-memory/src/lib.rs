//! durable's system store on memory: the reference semantics, for tests and for programs whose
//! work need not survive them.
//!
//! Every handle on the same data is told of the changes that any of them makes.
//!
//! Every method takes one lock over plain maps, does its work and lets go; nothing is clever, so
//! that this crate can be read beside the contract in [`durable_api::store`].
//!
//! ```
//! # async fn example() -> Result<(), durable_api::store::StoreError> {
//! use store_memory::MemoryStore;
//!
//! let private = MemoryStore::new();
//! let shared = MemoryStore::connect("memory:orders").await?;
//! # Ok(())
//! # }
//! ```
mod administration;
mod aggregates;
mod archives;
mod belongings;
mod changes;
mod checkpoints;
mod claim;
mod data;
mod dequeue;
mod effect;
mod error;
mod events;
mod executors;
mod fork;
mod hints;
mod inbox;
mod insert;
mod lifecycle;
mod management;
mod messages;
mod options;
mod queue_state;
mod queues;
mod registry;
mod resume;
mod retention;
mod schedules;
mod shown_events;
mod shown_streams;
mod starts;
mod steps;
mod store;
mod streams;
mod tables;
mod transactions;
mod turns;
mod versions;
mod wakeups;
mod workflows;

pub use options::MemoryOptions;
pub use store::MemoryStore;
