//! The store conformance suite: one list, one named test per behaviour.
//!
//! ```ignore
//! struct Mine;
//!
//! impl durable_testing::Backend for Mine {
//!     async fn open(&self, namespace: &str) -> std::sync::Arc<dyn durable_api::SystemStore> { .. }
//!     async fn clean(&self, namespace: &str) { .. }
//! }
//!
//! durable_testing::store_conformance!(Mine);
//! ```
mod bench;
mod cases;
mod fixtures;
mod suite;

pub use bench::{Backend, Bench};
pub use suite::{CASES, entry};
