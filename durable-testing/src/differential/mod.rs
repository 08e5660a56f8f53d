//! Comparing a store with another one, over sequences of operations made from a seed.
//!
//! One store is the reference (`store-memory` is written to be read), the other is under test. Both get the same operations, from two
//! handles each; every answer, and now and then everything that is stored, must be the same. A sequence that finds a difference is
//! made shorter as long as it still does, and is printed with its seed.
//!
//! ```no_run
//! # async fn example<R: durable_testing::Backend, S: durable_testing::Backend>(memory: R, mine: S) {
//! use durable_testing::differential::Comparison;
//!
//! let report = Comparison::new(7).sequences(10).run(&memory, &mine).await;
//! println!("{} operations", report.operations);
//! report.assert_agreement();
//! # }
//! ```
//!
//! What the contract leaves open is not compared: the order between queues and (because turns may be forgotten) between partitions in a
//! dequeue, the order of names that nothing sorts, whether `more` and `held` are told where there is none, a `retry_at` that is early, whom the
//! repetition of a registration superseded, and what an error says beyond its kind.
mod answer;
mod apply;
mod comparison;
mod generator;
mod operation;
mod program;
mod replay;
mod shrink;
mod side;
mod snapshot;
mod transaction;

pub use comparison::{Comparison, Difference, Report};
