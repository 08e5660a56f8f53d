//! What the tests that cross crates share: the backends under test, and the suites of cases.
#[macro_use]
mod suite;

pub mod backends;
pub mod e2e;
pub mod serializable;
pub mod transactions;

#[doc(hidden)]
pub use tokio;
