//! durable's system store on memory: the reference semantics, for tests and for programs whose
//! work need not survive them.
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
mod error;
mod executors;
mod lifecycle;
mod options;
mod registry;
mod steps;
mod store;
mod tables;
mod versions;
mod workflows;

pub use options::MemoryOptions;
pub use store::MemoryStore;
