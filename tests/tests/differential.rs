//! Every store does what the reference does. Longer: `cargo run -p tests --bin differential -- --store postgres --seconds 600`.
use durable_testing::differential::Comparison;
use tests::differential::{Subject, assert_agreement};

/// How many operations a store gets in all, in sequences of this length.
const LENGTH: u64 = 2_500;

/// As many as take about a minute: a commit of Postgres takes longer.
fn operations(subject: Subject) -> u64 {
    match subject {
        Subject::Postgres => 40_000,
        _ => 100_000,
    }
}

/// Nothing goes wrong in three of four sequences.
fn agrees(subject: Subject) {
    let operations = operations(subject) / 4 * 3;
    assert_agreement(subject, comparison(operations), operations);
}

/// In one of four, calls are refused or their answers are lost, and are repeated.
fn agrees_after_faults(subject: Subject) {
    let operations = operations(subject) / 4;
    let comparison = comparison(operations).with_faults();
    assert_agreement(subject, comparison, operations);
}

fn comparison(operations: u64) -> Comparison {
    Comparison::new(1)
        .length(usize::try_from(LENGTH).expect("is small"))
        .sequences(operations / LENGTH)
        .parallel(8)
}

#[test]
fn sqlite_does_what_memory_does() {
    agrees(Subject::Sqlite);
}

#[test]
fn sqlite_does_what_memory_does_when_calls_fail() {
    agrees_after_faults(Subject::Sqlite);
}

#[test]
fn postgres_does_what_memory_does() {
    agrees(Subject::Postgres);
}

#[test]
fn postgres_does_what_memory_does_when_calls_fail() {
    agrees_after_faults(Subject::Postgres);
}

#[test]
fn redis_does_what_memory_does() {
    agrees(Subject::Redis);
}

#[test]
fn redis_does_what_memory_does_when_calls_fail() {
    agrees_after_faults(Subject::Redis);
}
