//! What the tests that cross crates share: the backends under test, and the end-to-end suite.
pub mod backends;
pub mod e2e;

#[doc(hidden)]
pub use tokio;
