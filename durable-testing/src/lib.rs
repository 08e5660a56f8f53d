//! For people who test: the behaviour that every store must show, as tests that any crate can run.
pub mod conformance;

pub use conformance::{Backend, Bench};

#[doc(hidden)]
pub use tokio;
