//! Runs the same work through durable and through its peers, on the same servers in the same run, and compares.
mod bars;
mod case;
mod costs;
mod environment;
mod growth;
mod machine;
mod options;
mod place;
mod plan;
mod plots;
mod postgres;
mod redis;
mod results;
mod run;
mod stores;
mod table;
mod worker;
mod yardsticks;

use std::{error::Error, fs, process::ExitCode};

/// Whatever goes wrong.
type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    match compare().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn compare() -> Result<()> {
    let options = options::Options::from_arguments()?;
    let mut results = match &options.from {
        Some(path) => serde_json::from_str(&fs::read_to_string(path)?)?,
        None => run::all(&options).await?,
    };
    results.summarise();
    results.environment.rounds = results.rounds();
    results.save(&options.out)?;
    let tables = table::render(&results);
    fs::write(options.out.join("tables.md"), &tables)?;
    plots::draw(&results, &options.out)?;
    println!("{tables}");
    Ok(())
}
