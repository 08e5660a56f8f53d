//! Chaos: worker processes that are killed, stopped and ended at random, over a store that crashes, and a judge who trusts none of them.
//!
//! The controller starts workers and workflows whose results it knows, and lets mayhem loose on them. Bodies of steps write what they do to ledgers,
//! which survive the death of their process. At the end all must drain, and what the store and the ledgers say is compared with what was promised.
mod arguments;
mod book;
mod checks;
mod clock;
mod controller;
mod drain;
mod evidence;
mod fleet;
mod ledger;
mod load;
mod mayhem;
mod sightings;
mod worker;

use std::process::ExitCode;

use arguments::Command;

/// The application that all processes of a run belong to.
const APP: &str = "chaos";

/// The program: the controller, or, as it starts itself, a worker.
pub fn main() -> ExitCode {
    let command = match arguments::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", arguments::USAGE);
            return ExitCode::FAILURE;
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    match command {
        Command::Worker(arguments) => runtime.block_on(worker::run(arguments)),
        Command::Controller(arguments) => runtime.block_on(controller::run(arguments)),
    }
}
