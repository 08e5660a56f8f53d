use std::collections::{BTreeMap, BTreeSet};

use durable_api::{
    Timestamp, WorkflowStatus,
    store::{ExecutorRecord, Incarnation, Owner, ScheduleRecord, StepRecord, WorkflowRecord},
};

use crate::{belongings::Belongings, checkpoints::Checkpoints, queue_state::Queues};

/// Everything that is stored.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Whether the "schema" was made.
    pub(crate) migrated: bool,
    /// By id.
    pub(crate) workflows: BTreeMap<String, WorkflowRecord>,
    /// What belongs to workflows, by their ids.
    pub(crate) belongings: BTreeMap<String, Belongings>,
    /// The registered ones.
    pub(crate) executors: BTreeMap<Incarnation, ExecutorRecord>,
    /// The last execution of an executor whose requests to take work are settled.
    pub(crate) settled: BTreeMap<Incarnation, u64>,
    /// Times of registration, by application, then by version.
    pub(crate) versions: BTreeMap<String, BTreeMap<String, Timestamp>>,
    pub(crate) queues: Queues,
    /// By application and name.
    pub(crate) schedules: BTreeMap<(String, String), ScheduleRecord>,
    /// The last revision that a schedule got; none is given twice, so that a schedule made anew is told from the one before.
    pub(crate) last_revision: u64,
    /// In which order workflows were accepted, into their queues if they have one, by their ids.
    pub(crate) places: BTreeMap<String, u64>,
    pub(crate) last_place: u64,
}

impl Tables {
    /// Whether an executor is registered.
    pub(crate) fn is_registered(&self, incarnation: Incarnation) -> bool {
        self.executors.contains_key(&incarnation)
    }

    /// Removes an executor.
    pub(crate) fn unregister(&mut self, incarnation: Incarnation) {
        self.executors.remove(&incarnation);
        self.settled.remove(&incarnation);
    }

    /// Whether a request of an execution to take work came too late for that.
    pub(crate) fn is_settled(&self, owner: Owner) -> bool {
        let settled = self.settled.get(&owner.incarnation);
        settled.is_some_and(|settled| *settled >= owner.execution)
    }

    /// Whether `owner` may write to a workflow: it is `PENDING` and has this owner.
    pub(crate) fn may_write(&self, workflow_id: &str, owner: Owner) -> bool {
        self.workflows
            .get(workflow_id)
            .is_some_and(|row| row.status == WorkflowStatus::Pending && row.owner == Some(owner))
    }

    /// Adds a workflow, as the last that was accepted.
    pub(crate) fn accept(&mut self, row: WorkflowRecord) {
        self.place_last(&row.id);
        self.of(&row.id);
        self.workflows.insert(row.id.clone(), row);
    }

    /// Places a workflow behind all others.
    pub(crate) fn place_last(&mut self, workflow_id: &str) {
        self.last_place += 1;
        self.places.insert(workflow_id.to_owned(), self.last_place);
    }

    /// Removes a workflow with all that belongs to it.
    pub(crate) fn remove(&mut self, workflow_id: &str) {
        self.workflows.remove(workflow_id);
        self.belongings.remove(workflow_id);
        self.places.remove(workflow_id);
    }

    /// What belongs to a workflow.
    pub(crate) fn of(&mut self, workflow_id: &str) -> &mut Belongings {
        self.belongings.entry(workflow_id.to_owned()).or_default()
    }

    /// The checkpoints of a workflow; every workflow has them, if none as yet.
    pub(crate) fn steps(&self, workflow_id: &str) -> Option<&Checkpoints> {
        Some(&self.belongings.get(workflow_id)?.steps)
    }

    /// A workflow's checkpoint.
    pub(crate) fn step(&self, workflow_id: &str, step_id: u32) -> Option<StepRecord> {
        self.steps(workflow_id)?.get(step_id)
    }

    /// Writes a checkpoint.
    pub(crate) fn put_step(&mut self, workflow_id: &str, step: StepRecord) {
        self.of(workflow_id).steps.put(step);
    }

    /// A workflow's checkpoints, by step id.
    pub(crate) fn history(&self, workflow_id: &str) -> Vec<StepRecord> {
        self.steps(workflow_id)
            .map(Checkpoints::all)
            .unwrap_or_default()
    }

    /// These workflows, their children, and theirs.
    pub(crate) fn with_descendants(&self, ids: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = ids.clone();
        let mut parents = ids.clone();
        while !parents.is_empty() {
            let mut children = BTreeSet::new();
            for row in self.workflows.values() {
                if row
                    .parent
                    .as_ref()
                    .is_some_and(|step| parents.contains(&step.workflow_id))
                    && all.insert(row.id.clone())
                {
                    children.insert(row.id.clone());
                }
            }
            parents = children;
        }
        all
    }
}
