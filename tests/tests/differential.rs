//! Every store does what the reference does. Longer: `cargo run -p tests --bin differential -- --store postgres --seconds 600`.
use durable_testing::differential::Comparison;
use tests::differential::{Subject, assert_agreement};

/// How many operations each store gets.
const OPERATIONS: u64 = 100_000;

/// As many sequences as that takes.
fn sequences(length: usize) -> Comparison {
    let sequences = OPERATIONS.div_ceil(length as u64);
    Comparison::new(1).length(length).sequences(sequences)
}

#[test]
fn sqlite_does_what_memory_does() {
    assert_agreement(Subject::Sqlite, sequences(1_000), OPERATIONS);
}
