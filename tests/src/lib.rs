//! What the tests that cross crates share: the backends under test, the end-to-end suite, and chaos.
pub mod backends;
pub mod chaos;
pub mod e2e;

#[doc(hidden)]
pub use tokio;
