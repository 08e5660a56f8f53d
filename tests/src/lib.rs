//! What the tests that cross crates share: the backends under test, the suites of cases, faults of networks, disks and servers, what fuzzers feed, and chaos.
#[macro_use]
mod suite;

pub mod backends;
pub mod chaos;
pub mod e2e;
pub mod fuzz;
pub mod real_faults;
pub mod serializable;
pub mod transactions;

#[doc(hidden)]
pub use tokio;
