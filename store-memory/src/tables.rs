use std::collections::BTreeMap;

use durable_api::{
    Timestamp, WorkflowStatus,
    store::{ExecutorRecord, Incarnation, Owner, StepRecord, WorkflowRecord},
};

/// Everything that is stored.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Whether the "schema" was made.
    pub(crate) migrated: bool,
    /// By id.
    pub(crate) workflows: BTreeMap<String, WorkflowRecord>,
    /// By workflow, then by step.
    pub(crate) steps: BTreeMap<String, BTreeMap<u32, StepRecord>>,
    /// The registered ones.
    pub(crate) executors: BTreeMap<Incarnation, ExecutorRecord>,
    /// Times of registration, by application, then by version.
    pub(crate) versions: BTreeMap<String, BTreeMap<String, Timestamp>>,
}

impl Tables {
    /// Whether an executor is registered.
    pub(crate) fn is_registered(&self, incarnation: Incarnation) -> bool {
        self.executors.contains_key(&incarnation)
    }

    /// Whether `owner` may write to a workflow: it is `PENDING` and has this owner.
    pub(crate) fn may_write(&self, workflow_id: &str, owner: Owner) -> bool {
        self.workflows
            .get(workflow_id)
            .is_some_and(|row| row.status == WorkflowStatus::Pending && row.owner == Some(owner))
    }

    /// A workflow's checkpoint.
    pub(crate) fn step(&self, workflow_id: &str, step_id: u32) -> Option<&StepRecord> {
        self.steps.get(workflow_id)?.get(&step_id)
    }

    /// Writes a checkpoint.
    pub(crate) fn put_step(&mut self, workflow_id: &str, step: StepRecord) {
        self.steps
            .entry(workflow_id.to_owned())
            .or_default()
            .insert(step.step_id, step);
    }

    /// A workflow's checkpoints, by step id.
    pub(crate) fn history(&self, workflow_id: &str) -> Vec<StepRecord> {
        self.steps
            .get(workflow_id)
            .into_iter()
            .flat_map(|steps| steps.values().cloned())
            .collect()
    }
}
