use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use durable_api::store::{RecordOutcome, StepRecord};

/// The checkpoints of a workflow, by step. Under a lock of their own: workflows write theirs side by side.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints(Mutex<BTreeMap<u32, StepRecord>>);

impl Checkpoints {
    /// Writes one, unless the step has one.
    pub(crate) fn record(&self, step: StepRecord) -> RecordOutcome {
        match self.locked().entry(step.step_id) {
            Entry::Occupied(recorded) => RecordOutcome::AlreadyRecorded(recorded.get().clone()),
            Entry::Vacant(place) => {
                place.insert(step);
                RecordOutcome::Recorded
            }
        }
    }

    pub(crate) fn get(&self, step_id: u32) -> Option<StepRecord> {
        self.locked().get(&step_id).cloned()
    }

    pub(crate) fn put(&self, step: StepRecord) {
        self.locked().insert(step.step_id, step);
    }

    /// All, in order.
    pub(crate) fn all(&self) -> Vec<StepRecord> {
        self.locked().values().cloned().collect()
    }

    /// Those before a step.
    pub(crate) fn before(&self, from_step: u32) -> Self {
        let before = self
            .locked()
            .range(..from_step)
            .map(|(step_id, step)| (*step_id, step.clone()))
            .collect();
        Self(Mutex::new(before))
    }

    /// Nobody panics half way through a change.
    fn locked(&self) -> MutexGuard<'_, BTreeMap<u32, StepRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromIterator<StepRecord> for Checkpoints {
    fn from_iter<T: IntoIterator<Item = StepRecord>>(steps: T) -> Self {
        let steps = steps.into_iter().map(|step| (step.step_id, step)).collect();
        Self(Mutex::new(steps))
    }
}
