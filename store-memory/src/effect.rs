use durable_api::{
    Timestamp,
    store::{Outcome, StepRecord, StepRef},
};

use crate::tables::Tables;

/// Why an effect of a step is not written.
pub(crate) enum Refusal {
    NotOwner,
    AlreadyRecorded(StepRecord),
}

/// What a checkpoint of a step holds of texts, except the step's outcome.
pub(crate) fn texts(step: &StepRef) -> impl Iterator<Item = &str> {
    [step.name.as_str()]
        .into_iter()
        .chain(step.completions.as_deref())
}

impl Tables {
    /// Whether an effect of a step may be written.
    pub(crate) fn refuse(&self, step: &StepRef) -> Option<Refusal> {
        if !self.may_write(&step.workflow_id, step.owner) {
            return Some(Refusal::NotOwner);
        }
        self.step(&step.workflow_id, step.step_id)
            .map(Refusal::AlreadyRecorded)
    }

    /// Writes the checkpoint of a step whose effect is written, if the effect is the step's own.
    pub(crate) fn checkpoint(&mut self, step: StepRef, outcome: Option<Outcome>, now: Timestamp) {
        if !step.recorded {
            return;
        }
        let mut record = StepRecord::child(step.step_id, step.name, "", now);
        record.child_id = None;
        record.outcome = outcome;
        record.started_at = step.started_at;
        record.completions = step.completions;
        self.put_step(&step.workflow_id, record);
    }
}
