//! How soon an idle process starts what another one enqueues, and how soon it takes over what another one leaves.
//!
//! ```text
//! cargo run --release -p tests --bin latency -- postgres://… redis://… sqlite:latency.db
//! ```
//!
//! The enqueuing program is a client in a process of its own. A takeover is measured from the signal to the first line of the workflow's second
//! execution: after SIGKILL, which others on the same machine notice by the missing process, and after SIGSTOP, which they notice when the lease is over,
//! as they would if the machine were gone. All intervals are the defaults.
use std::{
    env,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use durable::{Config, Ctx, Error, Failure, RegisterOptions, Result, store::WorkflowFilter};

const STARTS: usize = 200;
const TAKEOVERS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "worker").is_some() {
        let url = arguments.next().unwrap_or_default();
        return worker(&url).await;
    }
    println!("| store | enqueue to start, p50 | p99 | takeover after SIGKILL | after SIGSTOP |");
    println!("|---|---|---|---|---|");
    for url in arguments {
        measure(&url).await?;
    }
    Ok(())
}

/// When it started, in microseconds.
async fn started(_: Ctx, (): ()) -> Result<u64> {
    Ok(micros())
}

/// Shows when each of its executions began, and goes on after the second has.
async fn left(ctx: Ctx, (): ()) -> Result<()> {
    let me = u64::from(std::process::id());
    let first: u64 = durable::run_as_step(&ctx, || async move { Ok(me) })
        .named("first")
        .await?;
    if first == me {
        durable::set_event(&ctx, "first", me).await?;
        std::future::pending::<()>().await;
    }
    // The number of this call is the event's of the first execution: it replays.
    durable::set_event(&ctx, "first", first).await?;
    let began = micros();
    durable::set_event(&ctx, "began", began).await?;
    Ok(())
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0))
}

async fn worker(url: &str) -> Result<()> {
    let ctx = durable::new_context(config(url).await?).await?;
    for registered in [
        durable::register_workflow_with(&ctx, started, RegisterOptions::new().named("started")),
        durable::register_workflow_with(&ctx, left, RegisterOptions::new().named("left")),
    ] {
        registered?;
    }
    durable::launch(&ctx).await?;
    std::future::pending().await
}

async fn config(url: &str) -> Result<Config, Error> {
    Ok(Config::new("latency", durable::connect(url).await?).app_version("1"))
}

async fn measure(url: &str) -> Result<()> {
    let client = durable::new_client(config(url).await?).await?;
    durable::register_queue(&client, "q").await?;
    let mut workers = vec![Worker::start(url, &client).await?];
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        // Idle again.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let before = micros();
        let handle = durable::enqueue_named::<u64>(&client, "q", "started", ()).await?;
        starts.push(handle.get_result().await?.saturating_sub(before));
    }
    starts.sort_unstable();
    let kill = takeovers(url, &client, &mut workers, "KILL").await?;
    let stop = takeovers(url, &client, &mut workers, "STOP").await?;
    let millis = |micros: u64| {
        format!(
            "{:.1} ms",
            Duration::from_micros(micros).as_secs_f64() * 1e3
        )
    };
    println!(
        "| {} | {} | {} | {} | {} |",
        url.split(':').next().unwrap_or(url),
        millis(starts[STARTS / 2]),
        millis(starts[STARTS * 99 / 100]),
        millis(kill),
        millis(stop),
    );
    Ok(())
}

/// The median time until the work of a process that got a signal goes on in another.
async fn takeovers(
    url: &str,
    client: &Ctx,
    workers: &mut Vec<Worker>,
    signal: &str,
) -> Result<u64> {
    let mut times = Vec::new();
    for _ in 0..TAKEOVERS {
        if workers.len() < 2 {
            workers.push(Worker::start(url, client).await?);
        }
        let handle = durable::enqueue_named::<()>(client, "q", "left", ()).await?;
        let long = Duration::from_secs(60);
        let first = durable::get_event::<u64>(client, handle.workflow_id(), "first", long).await?;
        let owner = workers
            .iter()
            .position(|worker| Some(u64::from(worker.0.id())) == first)
            .ok_or_else(|| Failure::msg("another process took the workflow"))?;
        let victim = workers.remove(owner);
        let before = micros();
        victim.signal(signal)?;
        let began = durable::get_event::<u64>(client, handle.workflow_id(), "began", long).await?;
        times.push(began.unwrap_or_default().saturating_sub(before));
        drop(victim);
        // The next round begins when only the living are registered.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    times.sort_unstable();
    Ok(times[TAKEOVERS / 2])
}

/// A process that runs workflows; killed when it is dropped.
struct Worker(Child);

impl Worker {
    /// Starts one, and waits until it runs something.
    async fn start(url: &str, client: &Ctx) -> Result<Self> {
        let child = Command::new(env::current_exe()?)
            .args(["worker", url])
            .stdout(Stdio::null())
            .spawn()?;
        let handle = durable::enqueue_named::<u64>(client, "q", "started", ()).await?;
        handle.get_result().await?;
        // The new one has launched, too, by the time that it is asked for anything.
        tokio::time::sleep(Duration::from_secs(2)).await;
        durable::list_workflows(client, WorkflowFilter::new().limit(1)).await?;
        Ok(Self(child))
    }

    fn signal(&self, name: &str) -> Result<()> {
        Command::new("kill")
            .args([&format!("-{name}"), &self.0.id().to_string()])
            .status()?;
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
