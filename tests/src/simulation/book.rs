use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable::{
    Failure, Payload, WorkflowStatus,
    store::{Outcome, StepRecord, WorkflowRecord},
};
use durable_testing::simulation::View;

use super::{
    flows::{self, EFFECT, Effect, Expected, Job, Report},
    load::SCHEDULE,
};

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
            let job: Option<Job> = decoded(row.input.as_ref());
            if number.is_some_and(|number| job.is_none_or(|job| job.number != number)) {
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

fn decoded<T: durable::Durable>(payload: Option<&Payload>) -> Option<T> {
    payload?.decode().ok()
}

fn came_to(view: &View, row: &WorkflowRecord) -> Result<(), String> {
    let id = &row.id;
    let job: Option<Job> = decoded(row.input.as_ref());
    let job = job.ok_or_else(|| format!("workflow `{id}` has lost its input"))?;
    let expected = flows::expected(&row.name, &job);
    let report: Option<Report> = match &row.outcome {
        Some(Outcome::Success(payload)) => decoded(Some(payload)),
        _ => None,
    };
    let code = match &row.outcome {
        Some(Outcome::Failure(payload)) => Failure::from_payload(payload).ok(),
        _ => None,
    };
    let answer = report.as_ref().map(|report| report.answer.clone());
    let right = match &expected {
        Expected::Answer(expected) => answer.as_ref() == Some(expected),
        Expected::Unordered(expected) => answer.clone().is_some_and(|mut answer| {
            answer.sort_unstable();
            answer == *expected
        }),
        Expected::OneOf(expected) => answer
            .clone()
            .is_some_and(|answer| expected.contains(&answer)),
        Expected::Failure(expected) => {
            code.as_ref().and_then(|failure| failure.code()) == Some(*expected)
        }
        Expected::Cancelled => row.status == WorkflowStatus::Cancelled,
    };
    if !right {
        let status = row.status;
        return Err(format!(
            "workflow `{id}` ({}, {job:?}) is {status} with {answer:?} {code:?}, and not {expected:?}",
            row.name
        ));
    }
    let steps = view.steps.get(id).map_or(&[][..], Vec::as_slice);
    match report {
        Some(report) => used_what_is_recorded(id, report, steps),
        None => Ok(()),
    }?;
    gapless(row, steps)
}

/// What a workflow received from its steps is what is recorded of them.
fn used_what_is_recorded(id: &str, mut report: Report, steps: &[StepRecord]) -> Result<(), String> {
    let recorded: Vec<Effect> = steps
        .iter()
        .filter(|step| step.name == EFFECT)
        .filter_map(|step| match &step.outcome {
            Some(Outcome::Success(payload)) => payload.decode().ok(),
            _ => None,
        })
        .collect();
    report.effects.sort_by_key(|effect| effect.step);
    match report.effects == recorded {
        true => Ok(()),
        false => Err(format!(
            "workflow `{id}` used {:?}, and recorded are {recorded:?}",
            report.effects
        )),
    }
}

/// Steps whose second number is recorded only if they wait.
const TWO_NUMBERS: [&str; 2] = ["durable.recv", "durable.get_event"];

/// The steps of one that succeeded, or goes step by step, have no gap.
fn gapless(row: &WorkflowRecord, steps: &[StepRecord]) -> Result<(), String> {
    // Who drops calls has numbers without records.
    if row.name == "race" {
        return Ok(());
    }
    let mut next = 0;
    let mut optional = false;
    for step in steps {
        let skipped = optional && step.step_id == next + 1;
        if step.step_id != next && !skipped {
            return Err(format!(
                "workflow `{}` has no step {next}, but later ones",
                row.id
            ));
        }
        next = step.step_id + 1;
        optional = TWO_NUMBERS.contains(&step.name.as_str());
    }
    Ok(())
}

/// Every tick between the first and the last has its one run.
pub(super) fn ticks(view: &View) -> Result<(), String> {
    let mut ticks = Vec::new();
    for row in view.workflows.values() {
        if row.schedule.as_deref() == Some(SCHEDULE) {
            let tick = second(&row.id).filter(|second| second % 5 == 0);
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

/// The second of its day that a run's id names at its end: `…T<hour>:<minute>:<second>Z`.
fn second(id: &str) -> Option<u32> {
    let (_, time) = id.strip_suffix('Z')?.rsplit_once('T')?;
    let parts: Result<Vec<u32>, _> = time.split(':').map(str::parse).collect();
    let [hour, minute, second] = parts.ok()?.try_into().ok()?;
    Some((hour * 60 + minute) * 60 + second)
}
