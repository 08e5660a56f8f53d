//! Compares a store with the reference, `store-memory`, over operations made from a seed.
//!
//! `cargo run -p tests --bin differential -- --store postgres --seconds 60 --seed 7`
use std::process::ExitCode;

fn main() -> ExitCode {
    tests::differential::main()
}
