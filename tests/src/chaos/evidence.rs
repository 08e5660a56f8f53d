//! All that is known after a run.
use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

use durable::SystemStore;
use durable::{
    Client, Error, Timestamp,
    store::{
        DamagedWorkflow, ExecutorRecord, ExecutorStore, StepRecord, WorkflowFilter, WorkflowRecord,
    },
};

use super::{
    APP,
    book::Entry,
    fleet::Life,
    ledger::{self, Line, Mark},
    sightings::Sighting,
};

/// What each life wrote, by its name.
pub(super) type Ledgers = Vec<(String, Vec<Line>)>;

/// What the store, the ledgers and the controller say.
#[derive(Debug)]
pub(super) struct Evidence {
    /// What the controller had accepted.
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) workflows: BTreeMap<String, WorkflowRecord>,
    pub(super) damaged: Vec<DamagedWorkflow>,
    pub(super) steps: HashMap<String, Vec<StepRecord>>,
    pub(super) executors: Vec<ExecutorRecord>,
    pub(super) lives: Vec<Life>,
    pub(super) sightings: Vec<Sighting>,
    /// What each life wrote, by its name.
    pub(super) ledgers: Ledgers,
    pub(super) bodies: Vec<Body>,
    /// From when until when the schedule was active.
    pub(super) scheduled: (Timestamp, Timestamp),
    /// One instant, by the wall clock and by the shared clock.
    pub(super) instant: (Timestamp, u64),
}

impl Evidence {
    /// What the wall clock showed at an instant of the shared clock.
    pub(super) fn wall_clock(&self, at: u64) -> Timestamp {
        let ago = self.instant.1.saturating_sub(at) / 1_000_000;
        let ago = i64::try_from(ago).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.instant.0.as_millis() - ago)
    }
}

/// A run of a step's body.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// Its process's place among the lives.
    pub(super) life: usize,
    pub(super) workflow: String,
    pub(super) step: u32,
    pub(super) nonce: u64,
    pub(super) begun: u64,
    pub(super) ended: Option<u64>,
    /// Whether it came to its end.
    pub(super) finished: bool,
}

/// Reads all workflows, with their steps.
pub(super) async fn workflows(
    client: &Client,
) -> Result<
    (
        BTreeMap<String, WorkflowRecord>,
        Vec<DamagedWorkflow>,
        HashMap<String, Vec<StepRecord>>,
    ),
    Error,
> {
    let (mut workflows, mut damaged, mut steps) = (BTreeMap::new(), Vec::new(), HashMap::new());
    let mut filter = WorkflowFilter::new().with_payloads();
    loop {
        let page = durable::list_workflows(client, filter.clone()).await?;
        for record in page.workflows {
            let found = durable::list_steps(client, &record.id).await?;
            steps.insert(record.id.clone(), found);
            workflows.insert(record.id.clone(), record);
        }
        damaged.extend(page.damaged);
        match page.next {
            Some(cursor) => filter = filter.after(cursor),
            None => return Ok((workflows, damaged, steps)),
        }
    }
}

/// The executors that are registered.
pub(super) async fn executors(store: &dyn SystemStore) -> io::Result<Vec<ExecutorRecord>> {
    let store: &dyn ExecutorStore = store;
    store.list_executors(APP).await.map_err(io::Error::other)
}

/// The ledgers, and the bodies that they tell of.
pub(super) fn ledgers(directory: &Path, lives: &[Life]) -> io::Result<(Ledgers, Vec<Body>)> {
    let ledgers = ledger::read_all(directory)?;
    let mut bodies = Vec::new();
    for (name, lines) in &ledgers {
        let life = lives.iter().position(|life| life.name == *name);
        let life = life.ok_or_else(|| io::Error::other(format!("nobody was {name}")))?;
        let mut open: HashMap<u64, Body> = HashMap::new();
        for line in lines {
            match line.mark {
                Mark::Begin => {
                    let body = Body {
                        life,
                        workflow: line.workflow.clone(),
                        step: line.step,
                        nonce: line.nonce,
                        begun: line.at,
                        ended: None,
                        finished: false,
                    };
                    open.insert(line.nonce, body);
                }
                Mark::End | Mark::Dropped => {
                    if let Some(mut body) = open.remove(&line.nonce) {
                        body.ended = Some(line.at);
                        body.finished = line.mark == Mark::End;
                        bodies.push(body);
                    }
                }
                Mark::Launched | Mark::Accepted | Mark::Quiet => {}
            }
        }
        bodies.extend(open.into_values());
    }
    bodies.sort_by_key(|body| body.begun);
    Ok((ledgers, bodies))
}
