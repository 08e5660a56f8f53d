//! A run: load and mayhem, then the reckoning.
use std::{
    io,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use durable::Timestamp;

use crate::servers::Server;

use super::{
    arguments::ControllerArguments,
    book::Book,
    checks, clock,
    drain::{self, Stuck},
    evidence::{self, Evidence},
    fleet::Fleet,
    load::{self, Load},
    mayhem::{self, Deeds},
    sightings::Lookout,
    worker,
};

/// What came of a run.
struct Verdict {
    summary: String,
    violations: Vec<String>,
}

pub(super) async fn run(arguments: ControllerArguments) -> ExitCode {
    let (kind, seed) = (arguments.store, arguments.seed);
    println!("chaos on {kind:?}, seed {seed}");
    let directory = tempfile::Builder::new().prefix("durable-chaos-").tempdir();
    let mut directory = directory.expect("a temporary directory");
    let began = Instant::now();
    let verdict = match stage(&arguments, directory.path()).await {
        Ok(verdict) => verdict,
        Err(error) => Verdict {
            summary: "the run itself failed".to_owned(),
            violations: vec![error.to_string()],
        },
    };
    println!(
        "{}, {:.1} s in all",
        verdict.summary,
        began.elapsed().as_secs_f64()
    );
    if arguments.keep {
        directory.disable_cleanup(true);
        println!(
            "ledgers, logs and data are in {}",
            directory.path().display()
        );
    }
    if verdict.violations.is_empty() {
        println!("all promises were kept");
        return ExitCode::SUCCESS;
    }
    for violation in &verdict.violations {
        println!("VIOLATION {violation}");
    }
    println!(
        "{} violations on {kind:?}, seed {seed}",
        verdict.violations.len()
    );
    ExitCode::FAILURE
}

async fn stage(arguments: &ControllerArguments, directory: &Path) -> io::Result<Verdict> {
    let seed = arguments.seed;
    let mut server = Server::start(arguments.store, directory).await?;
    let url = server.url();
    let mut fleet = Fleet::new(&server, directory, arguments.workers, seed);
    let config = worker::config(&url).await.map_err(io::Error::other)?;
    let client = durable::new_client(config)
        .await
        .map_err(io::Error::other)?;
    let store = durable::connect(&url).await.map_err(io::Error::other)?;
    let book = Arc::new(Book::default());

    let begun = now();
    load::prepare(&client, arguments.sabotage)
        .await
        .map_err(io::Error::other)?;
    let lookout = Lookout::start(Arc::clone(&store));
    fleet.tend()?;
    let load = Load::start(&client, &book, seed, arguments.sabotage);
    let length = Duration::from_secs(arguments.seconds);
    let deeds = mayhem::rage(&mut fleet, &mut server, length, seed).await?;
    load.end().await;
    let paused = now();
    durable::pause_schedule(&client, load::SCHEDULE)
        .await
        .map_err(io::Error::other)?;

    let drained = Instant::now();
    let Stuck(mut violations) = drain::drain(&client, &mut fleet, directory).await?;
    let drained = drained.elapsed();
    violations.extend(drain::part(&mut fleet).await?.0);
    let sightings = lookout.end().await;
    let (workflows, damaged, steps) = evidence::workflows(&client)
        .await
        .map_err(io::Error::other)?;
    let (ledgers, bodies) = evidence::ledgers(directory, &fleet.lives)?;
    let evidence = Evidence {
        entries: book.entries(),
        workflows,
        damaged,
        steps,
        executors: evidence::executors(&*store).await?,
        lives: fleet.lives.clone(),
        sightings,
        ledgers,
        bodies,
        scheduled: (begun, paused),
        instant: (now(), clock::now()),
    };
    violations.extend(book.problems());
    violations.append(&mut fleet.problems);
    violations.extend(checks::all(&evidence));
    let summary = summary(&evidence, deeds, drained);
    Ok(Verdict {
        summary,
        violations,
    })
}

fn summary(evidence: &Evidence, deeds: Deeds, drained: Duration) -> String {
    let recoveries: u32 = evidence
        .workflows
        .values()
        .map(|record| record.recovery_attempts)
        .sum();
    format!(
        "{} workflows ({} asked for), {} bodies of steps, {} worker processes, {deeds}, {} wrongly taken for dead, {recoveries} recoveries, drained in {:.1} s",
        evidence.workflows.len(),
        evidence.entries.len(),
        evidence.bodies.len(),
        evidence.lives.len(),
        checks::fences(evidence).len(),
        drained.as_secs_f64(),
    )
}

fn now() -> Timestamp {
    let elapsed = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let millis = elapsed.unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
