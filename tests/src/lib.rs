//! What the tests that cross crates share: the backends under test, the suites of cases, chaos, and the comparison of stores.
#[macro_use]
mod suite;

pub mod backends;
pub mod chaos;
pub mod differential;
pub mod e2e;
pub mod fixtures;
pub mod serializable;
pub mod transactions;

#[doc(hidden)]
pub use tokio;
