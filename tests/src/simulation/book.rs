use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable::store::WorkflowRecord;
use durable_testing::simulation::View;

use super::load::SCHEDULE;
use crate::flows::{self, Job};

/// What was accepted, by id, with the number of the job where that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Book(Arc<Mutex<BTreeMap<String, Option<u64>>>>);

impl Book {
    pub(super) fn accepted(&self, id: &str) {
        self.lock().entry(id.to_owned()).or_default();
    }

    /// Its job has this number now.
    pub(super) fn accepted_with(&self, id: &str, number: u64) {
        self.lock().insert(id.to_owned(), Some(number));
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.lock().contains_key(id)
    }

    /// Everything that was accepted is there, and everything that is there has come to what it must.
    pub(super) fn check(&self, view: &View) -> Result<(), String> {
        for (id, number) in self.lock().iter() {
            let Some(row) = view.workflows.get(id) else {
                return Err(format!("workflow `{id}` was accepted, and is not there"));
            };
            if number.is_some_and(|number| job(row).is_none_or(|job| job.number != number)) {
                return Err(format!("workflow `{id}` does not have its last input"));
            }
        }
        view.workflows
            .values()
            .try_for_each(|row| came_to(view, row))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn job(row: &WorkflowRecord) -> Option<Job> {
    row.input.as_ref()?.decode().ok()
}

fn came_to(view: &View, row: &WorkflowRecord) -> Result<(), String> {
    let id = &row.id;
    let job = job(row).ok_or_else(|| format!("workflow `{id}` has lost its input"))?;
    let kept = flows::expected(&row.name, &job).check(row);
    kept.map_err(|what| {
        let (name, status) = (&row.name, row.status);
        format!("workflow `{id}` ({name}, {job:?}) is {status}: {what}")
    })?;
    let steps = view.steps.get(id).map_or(&[][..], Vec::as_slice);
    let mut wrong = flows::wrong(row, steps).into_iter();
    wrong.next().map_or(Ok(()), Err)
}

/// Every tick between the first and the last has its one run.
pub(super) fn ticks(view: &View) -> Result<(), String> {
    let mut ticks = Vec::new();
    for row in view.workflows.values() {
        if row.schedule.as_deref() == Some(SCHEDULE) {
            let tick = flows::tick(SCHEDULE, &row.id).filter(|second| second % 5 == 0);
            ticks.push(tick.ok_or_else(|| format!("{} is no tick", row.id))?);
        }
    }
    ticks.sort_unstable();
    match ticks.windows(2).find(|pair| pair[1] - pair[0] != 5) {
        Some(pair) => Err(format!(
            "ticks at {} and {} follow each other",
            pair[0], pair[1]
        )),
        None => Ok(()),
    }
}
