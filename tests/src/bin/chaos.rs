//! Runs workflows in processes that are killed, stopped and ended at random, over a store that crashes, and then checks every promise from outside.
//!
//! `cargo run -p tests --bin chaos -- --store postgres --seconds 60 --workers 4 --seed 7`
use std::process::ExitCode;

fn main() -> ExitCode {
    tests::chaos::main()
}
