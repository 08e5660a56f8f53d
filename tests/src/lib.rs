//! What the tests that cross crates share: the backends under test, servers that can be crashed, the suites of cases, the comparison of stores,
//! faults of networks and disks, what fuzzers feed, chaos, and the workflows that chaos and simulations run.
#[macro_use]
mod suite;

pub mod backends;
pub mod chaos;
pub mod differential;
pub mod e2e;
pub mod fixtures;
mod flows;
pub mod fuzz;
pub mod real_faults;
pub mod serializable;
pub mod servers;
pub mod simulation;
pub mod transactions;

#[doc(hidden)]
pub use tokio;
