//! The store conformance suite: one list, one named test per behaviour.
//!
//! A test file of a store is a [`Backend`] and one line:
//!
//! ```no_run
//! # #![allow(dead_code)]
//! use std::sync::Arc;
//!
//! use durable_api::SystemStore;
//! use durable_testing::{Backend, store_conformance};
//!
//! struct Mine;
//!
//! impl Backend for Mine {
//!     async fn open(&self, namespace: &str) -> Arc<dyn SystemStore> {
//!         todo!("connect, to the schema or under the prefix of that name")
//!     }
//!
//!     async fn clean(&self, namespace: &str) {
//!         todo!("drop it")
//!     }
//! }
//!
//! store_conformance!(Mine);
//! # fn main() {}
//! ```
//!
//! The cases read as promises, and tell their stories with the `fixtures`: an `Executor` is a process
//! with a handle of its own. A case never sleeps, and waits for nothing but hints; it may run beside any other.
mod bench;
mod cases;
mod fixtures;
mod suite;

pub use bench::{Backend, Bench};
pub use suite::{CASES, entry};
