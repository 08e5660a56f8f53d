//! A worker: an executor of all workflows, which also starts some.
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use durable::{Config, Ctx, Error};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    APP,
    arguments::WorkerArguments,
    ledger::{Ledger, Mark},
};
use crate::flows::{self, Job, chain};

/// How long a worker may take to finish what it does when it is asked to end.
const GRACE: Duration = Duration::from_secs(2);

/// How a worker ends that could not do without the store.
pub(super) const STORE_AWAY: u8 = 4;

/// What the ids of workflows begin with that a worker starts.
pub(super) const DIRECT: &str = "direct";

pub(super) async fn run(arguments: WorkerArguments) -> ExitCode {
    end_with_the_controller();
    log_to(&arguments.directory.join(format!("{}.log", arguments.life)));
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker: {error}");
            match error {
                // To start, or to hand work back, one needs the store; this is an answer, and no broken promise.
                Error::Startup { .. } | Error::Store(_) => ExitCode::from(STORE_AWAY),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn serve(arguments: WorkerArguments) -> Result<(), Error> {
    let ledger = Ledger::create(&arguments.directory, &arguments.life);
    let ledger = Arc::new(ledger.expect("a ledger"));
    let mut ending = signal(SignalKind::terminate()).expect("signals are heard");
    let begun = tokio::select! {
        ctx = begin(&arguments, &ledger) => Some(ctx?),
        _ = ending.recv() => None,
    };
    let Some(ctx) = begun else { return Ok(()) };
    ledger.note(Mark::Launched, &arguments.life);
    tokio::select! {
        () = start_workflows(&ctx, &ledger, &arguments) => {}
        _ = ending.recv() => return end(&ctx).await,
    }
    ending.recv().await;
    end(&ctx).await
}

async fn begin(arguments: &WorkerArguments, ledger: &Arc<Ledger>) -> Result<Ctx, Error> {
    let mut config = config(&arguments.url).await?;
    if let Some(id) = &arguments.executor {
        config = config.executor_id(id);
    }
    let ctx = durable::new_context(config).await?;
    flows::register(&ctx, Arc::clone(ledger))?;
    durable::launch(&ctx).await?;
    Ok(ctx)
}

/// A configuration in which little time passes before others act.
pub(super) async fn config(url: &str) -> Result<Config, Error> {
    let store = durable::connect(url).await?;
    Ok(Config::new(APP, store)
        .heartbeat_interval(Duration::from_millis(200))
        .lease(Duration::from_secs(1))
        .takeover_interval(Duration::from_millis(200))
        .poll_interval(Duration::from_millis(200))
        .queue_interval(Duration::from_millis(100))
        .schedule_interval(Duration::from_millis(500)))
}

async fn end(ctx: &Ctx) -> Result<(), Error> {
    durable::shutdown(ctx, GRACE).await.map(drop)
}

/// Starts workflows here, not by way of a queue, until the controller wants quiet.
async fn start_workflows(ctx: &Ctx, ledger: &Ledger, arguments: &WorkerArguments) {
    let mut random = fastrand::Rng::with_seed(arguments.seed);
    let quiet = quiet_file(&arguments.directory);
    let mut number = 0;
    while !quiet.exists() {
        number += 1;
        let id = format!("{DIRECT}-{}-{number}", arguments.life);
        match durable::run_workflow(ctx, chain, direct_job(number))
            .id(&id)
            .await
        {
            Ok(_) => ledger.note(Mark::Accepted, &id),
            // Another process has its executor id.
            Err(Error::Superseded { .. }) => break,
            Err(error) => eprintln!("worker: {id}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(random.u64(50..500))).await;
    }
    ledger.note(Mark::Quiet, &arguments.life);
}

/// What the workflow of that number does that a worker starts.
pub(super) fn direct_job(number: u64) -> Job {
    Job {
        number,
        size: 1 + number % 5,
        millis: 5 + number % 40,
        peer: String::new(),
    }
}

/// A file whose presence asks workers to start no more workflows.
pub(super) fn quiet_file(directory: &Path) -> PathBuf {
    directory.join("quiet")
}

/// Nothing outlives the controller: it holds the other end of the standard input.
fn end_with_the_controller() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(3);
    });
}

fn log_to(path: &Path) {
    let file = std::fs::File::create(path).expect("a log");
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Arc::new(file))
        .init();
}
