//! Waits until nothing is left to do.
use std::{
    collections::HashSet,
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use durable::{
    Client, WorkflowStatus,
    store::{WorkflowFilter, WorkflowRecord},
};

use super::{
    fleet::Fleet,
    ledger::{self, Mark},
    worker,
};

/// How long what was started may take, once nobody disturbs it.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK: Duration = Duration::from_millis(100);

/// What nobody came to an end with.
#[derive(Debug, Default)]
pub(super) struct Stuck(pub(super) Vec<String>);

/// Asks the workers to start nothing more, and waits until all that was accepted has ended.
pub(super) async fn drain(
    client: &Client,
    fleet: &mut Fleet,
    directory: &Path,
) -> io::Result<Stuck> {
    fs::write(worker::quiet_file(directory), "")?;
    let end = Instant::now() + PATIENCE;
    let mut quiet = HashSet::new();
    loop {
        fleet.tend()?;
        for life in fleet.serving() {
            let is_quiet = |line: &ledger::Line| line.mark == Mark::Quiet;
            // One that has just begun has no ledger.
            let lines = ledger::read_one(directory, &life).unwrap_or_default();
            if lines.iter().any(is_quiet) {
                quiet.insert(life);
            }
        }
        let noisy: Vec<String> = fleet
            .serving()
            .into_iter()
            .filter(|life| !quiet.contains(life))
            .collect();
        if noisy.is_empty() && !fleet.is_leaving() {
            let left = unfinished(client).await?;
            if left.is_empty() {
                return Ok(Stuck::default());
            }
            if Instant::now() > end {
                return Ok(Stuck(left.iter().map(describe).collect()));
            }
        } else if Instant::now() > end {
            let left = noisy
                .iter()
                .map(|life| format!("worker {life} does not become quiet"));
            return Ok(Stuck(left.collect()));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until all workers have ended, after they were asked to.
pub(super) async fn part(fleet: &mut Fleet) -> io::Result<Stuck> {
    fleet.disband()?;
    let end = Instant::now() + PATIENCE;
    while fleet.is_leaving() {
        fleet.tend()?;
        if Instant::now() > end {
            return Ok(Stuck(vec![
                "workers do not end when they are asked to".to_owned(),
            ]));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(Stuck::default())
}

async fn unfinished(client: &Client) -> io::Result<Vec<WorkflowRecord>> {
    let mut filter = WorkflowFilter::new();
    filter.statuses = WorkflowStatus::ALL
        .into_iter()
        .filter(|status| !status.is_final())
        .collect();
    let page = durable::list_workflows(client, filter).await;
    Ok(page.map_err(io::Error::other)?.workflows)
}

pub(super) fn describe(record: &WorkflowRecord) -> String {
    format!(
        "workflow {} ({}) is {}: queue {:?}, owner {:?}, executor {:?}, {} recoveries, started at {:?}, delayed until {:?}",
        record.id,
        record.name,
        record.status,
        record.queue,
        record.owner,
        record.executor_id,
        record.recovery_attempts,
        record.started_at,
        record.delayed_until,
    )
}
