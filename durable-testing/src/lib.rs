//! For people who test: the behaviour that every store must show, as tests that any crate can run, stores
//! compared by operations made from a seed, and a store that fails when it is told to.
pub mod conformance;
pub mod differential;
pub mod faults;

pub use conformance::{Backend, Bench};
pub use faults::{Call, Fault, FaultPlan, FaultyStore};

#[doc(hidden)]
pub use tokio;
