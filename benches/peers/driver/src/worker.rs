use std::{env, io, process::ExitCode};

use crate::{Failure, Job, Library, Order, READY, Report, bench, workloads};

/// The whole of a worker's `main`.
pub fn work<L: Library>() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    match runtime.block_on(obey::<L>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn obey<L: Library>() -> Result<(), Failure> {
    let order = env::args()
        .nth(1)
        .ok_or("the argument is an order, as JSON")?;
    let order: Order = serde_json::from_str(&order)?;
    let report = match order.job {
        Job::Prepare => {
            L::open(&order).await?.launch(true).await?;
            Report::default()
        }
        Job::OneAtATime { steps, seconds } => {
            workloads::one_at_a_time(launched::<L>(&order).await?, steps, seconds).await?
        }
        Job::InFlight {
            workflows,
            steps,
            payload,
            seconds,
        } => {
            let library = launched::<L>(&order).await?;
            workloads::in_flight(library, workflows, steps, payload, seconds).await?
        }
        Job::Batches {
            workflows,
            steps,
            seconds,
        } => {
            let library = launched::<L>(&order).await?;
            workloads::batches(library, workflows, steps, seconds).await?
        }
        Job::Enqueue { workflows } => {
            workloads::enqueue::<L>(L::client(&order).await?, workflows).await?
        }
        Job::Serve => serve::<L>(&order).await?,
        Job::Ask { warm_up, seconds } => {
            workloads::ask::<L>(L::client(&order).await?, warm_up, seconds).await?
        }
        Job::Interrupt { workflows, steps } => {
            let library = launched::<L>(&order).await?;
            workloads::interrupt(library, workflows, steps).await?;
            ready().await?;
            Report::default()
        }
        Job::Asleep { workflows, seconds } => {
            workloads::asleep(launched::<L>(&order).await?, workflows, seconds).await?
        }
    };
    println!("{}", serde_json::to_string(&report)?);
    // What a library does at its end is not measured, and whoever ordered this drops the database.
    std::process::exit(0)
}

/// A library that runs what is started in this process.
async fn launched<L: Library>(order: &Order) -> Result<L, Failure> {
    let mut library = L::open(order).await?;
    library.launch(false).await?;
    Ok(library)
}

/// Says that everything is prepared, and waits for the word.
pub(crate) async fn ready() -> Result<(), Failure> {
    println!("{READY}");
    let line = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
    line.await??;
    Ok(())
}

/// Launches when told to, and serves until told to stop.
async fn serve<L: Library>(order: &Order) -> Result<Report, Failure> {
    bench::recover();
    let mut library = L::open(order).await?;
    ready().await?;
    let meter = workloads::Meter::start();
    library.launch(true).await?;
    ready().await?;
    Ok(Report {
        workflows: bench::ended(),
        begun: bench::begun(),
        ..meter.stop()
    })
}
