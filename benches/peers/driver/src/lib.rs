//! The workloads, the same for every library.
//!
//! A worker is a process of one library. Its argument is an [`Order`]; it prints a line when it is ready, does the work when it is told
//! to by a line, and prints a [`Report`] as a line of JSON. What a library does differently is behind [`Library`].
mod bench;
mod library;
mod machine;
mod order;
mod report;
mod samples;
mod worker;
mod workloads;

pub use bench::{After, Input, Output, PAUSE, finished, interrupted, payload, started};
pub use library::{Failure, Library};
pub use machine::{Process, monotonic_nanos};
pub use order::{APP, Job, Order, QUEUE, READY, VERSION, WORKFLOW};
pub use report::Report;
pub use samples::{Samples, Spread};
pub use worker::work;
