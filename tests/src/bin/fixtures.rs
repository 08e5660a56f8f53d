//! Writes what the present version of each store looks like to `tests/fixtures`.
//!
//! `source scripts/servers.sh && start_servers && cargo run -p tests --bin fixtures; stop_servers`
use std::process::ExitCode;

fn main() -> ExitCode {
    tests::fixtures::main()
}
