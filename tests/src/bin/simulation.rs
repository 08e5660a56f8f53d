//! Runs simulations of engines over a faulty store, seed after seed, until a promise is broken.
//!
//! `cargo run -p tests --bin simulation -- --for 10m`
use std::process::ExitCode;

fn main() -> ExitCode {
    tests::simulation::main()
}
