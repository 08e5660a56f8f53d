use std::collections::{BTreeMap, BTreeSet};

use durable_api::{
    SystemStore, WorkflowStatus,
    store::{
        AdministrationStore, ExecutorRecord, ExecutorStore, Incarnation, QueueRecord, QueueStore,
        StepRecord, StepStore, StoreResult, WorkflowFilter, WorkflowRecord,
    },
};
use futures::FutureExt as _;

use super::APP;

/// What is stored at one moment of a simulation.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct View {
    /// All workflows, by id, with their payloads.
    pub workflows: BTreeMap<String, WorkflowRecord>,
    /// Their checkpoints, by the workflow's id.
    pub steps: BTreeMap<String, Vec<StepRecord>>,
    /// The executors that are registered.
    pub executors: Vec<ExecutorRecord>,
    /// The queues, as they are configured.
    pub queues: Vec<QueueRecord>,
}

impl View {
    /// The workflows that have not ended.
    pub fn unfinished(&self) -> impl Iterator<Item = &WorkflowRecord> {
        let all = self.workflows.values();
        all.filter(|row| !row.status.is_final())
    }

    /// The workflows of a queue that run, or whose executor was lost.
    pub fn pending_in<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = &'a WorkflowRecord> {
        let of_queue = |row: &&WorkflowRecord| row.queue.as_deref() == Some(queue);
        let all = self.workflows.values();
        all.filter(|row| row.status == WorkflowStatus::Pending)
            .filter(of_queue)
    }

    pub(super) fn is_registered(&self, incarnation: Incarnation) -> bool {
        let mut executors = self.executors.iter();
        executors.any(|one| one.incarnation == incarnation)
    }

    /// Reads everything anew but the checkpoints, which are read of those workflows that `touched` names, and of new ones.
    pub(super) fn next(&self, store: &dyn SystemStore, touched: &Touched) -> StoreResult<Self> {
        let administration: &dyn AdministrationStore = store;
        let steps: &dyn StepStore = store;
        let filter = WorkflowFilter::new().with_payloads().limit(1_000_000);
        let page = at_once(administration.list_workflows(filter))?;
        let rows = page.workflows.into_iter();
        let mut next = Self {
            workflows: rows.map(|row| (row.id.clone(), row)).collect(),
            steps: self.steps.clone(),
            executors: at_once((store as &dyn ExecutorStore).list_executors(APP))?,
            queues: at_once((store as &dyn QueueStore).list_queues(APP))?,
        };
        next.steps.retain(|id, _| next.workflows.contains_key(id));
        for (id, row) in &next.workflows {
            if touched.has(id) || !self.workflows.contains_key(id) {
                let found = at_once(steps.list_steps(&row.id))?;
                next.steps.insert(id.clone(), found);
            }
        }
        Ok(next)
    }
}

/// Whose checkpoints may have changed.
#[derive(Debug)]
pub(super) enum Touched {
    All,
    These(BTreeSet<String>),
}

impl Touched {
    fn has(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(id),
        }
    }
}

/// The answer of a store in memory.
fn at_once<T>(call: impl Future<Output = T>) -> T {
    let answer = call.now_or_never();
    answer.expect("the store of a simulation answers at once")
}
