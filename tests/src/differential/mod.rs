//! Comparing each store with the reference, `store-memory`, over operations made from seeds.
mod arguments;
mod subjects;

use std::{process::ExitCode, time::Duration};

use durable_testing::differential::{Comparison, Report};

use crate::backends::{Memory, Postgres, Redis};
use arguments::Arguments;
use subjects::FastSqlite;
pub use subjects::Subject;

/// The program.
pub fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    let report = runtime().block_on(run(&arguments));
    println!(
        "{} operations in {} sequences from seed {}{}",
        report.operations,
        report.sequences,
        arguments.seed,
        if arguments.faults {
            ", with faults"
        } else {
            ""
        },
    );
    match report.difference {
        None => {
            println!("the stores agree");
            ExitCode::SUCCESS
        }
        Some(difference) => {
            println!("{difference}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Report {
    let mut comparison = Comparison::new(arguments.seed)
        .sequences(u64::MAX)
        .length(arguments.length)
        .parallel(arguments.parallel)
        .for_time(Duration::from_secs(arguments.seconds));
    if arguments.faults {
        comparison = comparison.with_faults();
    }
    compare(arguments.store, comparison).await
}

/// Compares a store with the reference.
pub async fn compare(subject: Subject, comparison: Comparison) -> Report {
    match subject {
        Subject::Memory => comparison.run(&Memory, &Memory).await,
        Subject::Postgres => comparison.run(&Memory, &Postgres).await,
        Subject::Redis => comparison.run(&Memory, &Redis).await,
        Subject::Sqlite => comparison.run(&Memory, &FastSqlite).await,
    }
}

/// Fails if a store and the reference differ, or did not get so many operations.
pub fn assert_agreement(subject: Subject, comparison: Comparison, operations: u64) {
    let report = runtime().block_on(compare(subject, comparison));
    report.assert_agreement();
    assert!(report.operations >= operations, "{report:?}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}
