//! A workflow that survives `kill -9`.
//!
//! Without arguments, this program starts itself as a worker, kills the worker in the middle of a ten-step
//! workflow, starts another one, and shows it going on after the last completed step. With the argument
//! `worker` it is the worker: kill it yourself, at any point, and start it again.
//!
//! The store is `DURABLE_STORE_URL`, or else a local SQLite file; the workflow's id is
//! `CRASH_WORKFLOW_ID`, or else a new one for each demonstration.
use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use durable::{Config, Ctx, Failure, Result};

const STEPS: u32 = 10;

/// Ten steps, a line each.
async fn ten_steps(ctx: Ctx, name: String) -> Result<String> {
    let mut total = 0;
    for number in 1..=STEPS {
        total += durable::run_as_step(&ctx, || work(number))
            .named(format!("step {number}"))
            .await?;
    }
    Ok(format!("{name}: the steps add up to {total}"))
}

async fn work(number: u32) -> Result<u32> {
    println!("step {number} of {STEPS} (process {})", std::process::id());
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(number)
}

#[tokio::main]
async fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        None => demonstrate(),
        Some("worker") => worker().await,
        Some(other) => Err(Failure::msg(format!(
            "unknown argument `{other}`; it is `worker` or none"
        ))),
    }
}

async fn worker() -> Result<()> {
    let url = env::var("DURABLE_STORE_URL").unwrap_or_else(|_| "sqlite:crash.db".into());
    let id = env::var("CRASH_WORKFLOW_ID").unwrap_or_else(|_| "crash-demo".into());
    let store = durable::connect(&url).await?;
    let ctx = durable::new_context(Config::new("crash", store)).await?;
    durable::register_workflow(&ctx, ten_steps)?;
    // Recovers the workflow, if an earlier worker died in it.
    durable::launch(&ctx).await?;
    // The same id again is a handle on the first run, not a second run.
    let handle = durable::run_workflow(&ctx, ten_steps, "crash")
        .id(id)
        .await?;
    println!("{}", handle.get_result().await?);
    durable::shutdown(&ctx, Duration::from_secs(10)).await?;
    Ok(())
}

fn demonstrate() -> Result<()> {
    let id = format!("crash-demo-{}", std::process::id());
    println!("-- a worker starts workflow `{id}`");
    let mut first = start_worker(&id)?;
    for line in lines(&mut first) {
        let line = line?;
        println!("{line}");
        if line.starts_with("step 4 ") {
            first.kill()?;
            break;
        }
    }
    first.wait()?;
    println!("-- the worker was killed with SIGKILL; another one starts");
    let mut second = start_worker(&id)?;
    for line in lines(&mut second) {
        println!("{}", line?);
    }
    let status = second.wait()?;
    if !status.success() {
        return Err(Failure::msg(format!("the second worker failed: {status}")));
    }
    println!("-- finished; only the step that was cut off ran twice");
    Ok(())
}

fn start_worker(id: &str) -> Result<Child> {
    let worker = Command::new(env::current_exe()?)
        .arg("worker")
        .env("CRASH_WORKFLOW_ID", id)
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(worker)
}

fn lines(worker: &mut Child) -> impl Iterator<Item = std::io::Result<String>> + use<> {
    worker
        .stdout
        .take()
        .into_iter()
        .flat_map(|stdout| BufReader::new(stdout).lines())
}

#[cfg(test)]
mod tests {
    use durable_testing::{TestEnv, crash_points, zombies};

    use super::*;

    /// Without the pauses that are there for those who watch.
    fn at_once(env: &TestEnv) -> std::result::Result<(), durable::Error> {
        for number in 1..=STEPS {
            env.mock_step(format!("step {number}")).returns(number);
        }
        Ok(())
    }

    #[tokio::test]
    async fn it_survives_a_crash_at_every_call() {
        let trial = crash_points(ten_steps, "test").set_up(at_once);
        let total = trial.invariant("the total is right", |end| match end.outcome() {
            Ok(text) if text == "test: the steps add up to 55" => Ok(()),
            other => Err(format!("{other:?}")),
        });
        let report = total.await.expect("survives");
        // An insert, ten checkpoints and an outcome, before and after, and pairs.
        assert!(report.runs() >= 24 + 300, "{report}");
    }

    #[tokio::test]
    async fn its_zombie_writes_nothing() {
        let report = zombies(ten_steps, "test").set_up(at_once).await;
        assert!(report.expect("writes nothing").runs() >= 12);
    }
}
