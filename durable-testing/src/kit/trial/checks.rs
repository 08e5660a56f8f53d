//! What a run with crashes must have in common with one without.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use durable_api::store::{Outcome, StepRecord, WorkflowArchive};

use super::{Ending, Trial, attempt::Attempt, snapshot::Snapshot, told};

/// What is wrong with a run, if something is.
pub(super) fn check<T: PartialEq + Debug>(
    trial: &Trial<'_, T>,
    clean: &Attempt<T>,
    made: &Attempt<T>,
) -> Result<(), String> {
    let (expected, outcome) = (told(&clean.outcome), told(&made.outcome));
    if expected != outcome {
        return Err(format!(
            "the outcome is {outcome:?}; without, it is {expected:?}"
        ));
    }
    for snapshot in &made.at_stops {
        kept(snapshot, &made.end)?;
    }
    same(&clean.end, &made.end, trial.numbers)?;
    for (id, archive) in &made.end {
        // What the run without crashes left out is left out for good.
        let left_out = clean.end.get(id).map(left_out).unwrap_or_default();
        contiguous(archive, &left_out)?;
    }
    if let Some((after, settings)) = &made.after_zombie {
        unchanged(&made.end, after)?;
        if *settings != made.settings {
            return Err(format!(
                "the first execution went on and wrote: {:?} are {settings:?}",
                made.settings
            ));
        }
    }
    let ending = Ending::new(made);
    for (name, holds) in &trial.invariants {
        holds(&ending).map_err(|why| format!("invariant `{name}` does not hold: {why}"))?;
    }
    Ok(())
}

/// No checkpoint is changed or lost.
fn kept(before: &Snapshot, after: &Snapshot) -> Result<(), String> {
    for (id, was) in before {
        // A workflow may have been deleted by the program.
        let Some(is) = after.get(id) else { continue };
        for step in &was.steps {
            let now = is.steps.iter().find(|one| one.step_id == step.step_id);
            if now != Some(step) {
                let (number, name) = (step.step_id, &step.name);
                return Err(format!(
                    "step {number} `{name}` of workflow `{id}` was recorded as {step:?}, and is {now:?}"
                ));
            }
        }
    }
    Ok(())
}

/// The same workflows, in the same status, with the same steps of their own, by the same numbers if these count.
fn same(expected: &Snapshot, made: &Snapshot, numbers: bool) -> Result<(), String> {
    // Ids may be random: then as many of each name.
    let unknown = |these: &Snapshot, those: &Snapshot| {
        let mut names = BTreeMap::<String, usize>::new();
        for archive in these
            .values()
            .filter(|one| !those.contains_key(&one.record.id))
        {
            *names.entry(archive.record.name.clone()).or_default() += 1;
        }
        names
    };
    let (missing, more) = (unknown(expected, made), unknown(made, expected));
    if missing != more {
        return Err(format!(
            "of these workflows there are more: {more:?}; and of these fewer: {missing:?}"
        ));
    }
    for (id, is) in made {
        let Some(expected) = expected.get(id) else {
            continue;
        };
        let (status, should) = (is.record.status, expected.record.status);
        if status != should {
            return Err(format!(
                "workflow `{id}` is {status}; without, it is {should}"
            ));
        }
        let (mut steps, mut should) = (own_steps(is), own_steps(expected));
        if !numbers {
            for steps in [&mut steps, &mut should] {
                steps.sort_unstable_by_key(|(_, name)| *name);
                (0..).zip(steps).for_each(|(place, step)| step.0 = place);
            }
        }
        if steps != should {
            return Err(format!(
                "the steps of workflow `{id}` are {steps:?}; without, they are {should:?}"
            ));
        }
    }
    Ok(())
}

fn own_steps(archive: &WorkflowArchive) -> Vec<(u32, &str)> {
    let steps = archive.steps.iter();
    steps
        .filter(|step| !step.name.starts_with("durable."))
        .map(|step| (step.step_id, step.name.as_str()))
        .collect()
}

/// Each number once and in order, but for calls that left no checkpoint: those that the run without crashes left out, too, those that were dropped, and the end of
/// a wait for a message that was there.
fn contiguous(archive: &WorkflowArchive, expected: &BTreeSet<u32>) -> Result<(), String> {
    let id = &archive.record.id;
    let numbers: Vec<_> = archive.steps.iter().map(|step| step.step_id).collect();
    if !numbers.is_sorted_by(|one, next| one < next) {
        return Err(format!(
            "the steps of workflow `{id}` are numbered {numbers:?}"
        ));
    }
    let dropped = dropped(archive);
    let waits = |number: u32| {
        let before = archive.steps.iter().find(|step| step.step_id + 1 == number);
        before.is_some_and(|step| step.name == "durable.recv")
    };
    for number in left_out(archive) {
        let was_dropped = dropped.contains(&number)
            || number
                .checked_sub(1)
                .is_some_and(|before| dropped.contains(&before));
        if !expected.contains(&number) && !was_dropped && !waits(number) {
            let steps = archive.steps.iter().map(|step| (step.step_id, &step.name));
            let steps: Vec<_> = steps.collect();
            return Err(format!(
                "step {number} of workflow `{id}` is missing: {steps:?}"
            ));
        }
    }
    Ok(())
}

/// The numbers below the last that have no checkpoint.
fn left_out(archive: &WorkflowArchive) -> BTreeSet<u32> {
    let there: BTreeSet<_> = archive.steps.iter().map(|step| step.step_id).collect();
    let last = there.last().copied().unwrap_or(0);
    (0..last).filter(|number| !there.contains(number)).collect()
}

/// The numbers of calls that were dropped.
fn dropped(archive: &WorkflowArchive) -> BTreeSet<u32> {
    let notes = archive
        .steps
        .iter()
        .filter(|step| step.name == "durable.dropped");
    notes.flat_map(named_in).collect()
}

fn named_in(note: &StepRecord) -> Vec<u32> {
    let Some(Outcome::Success(payload)) = &note.outcome else {
        return Vec::new();
    };
    let calls: Vec<serde_json::Value> = serde_json::from_slice(&payload.bytes).unwrap_or_default();
    let number = |call: &serde_json::Value| u32::try_from(call.get("step_id")?.as_u64()?).ok();
    calls.iter().filter_map(number).collect()
}

/// A zombie has written nothing.
fn unchanged(before: &Snapshot, after: &Snapshot) -> Result<(), String> {
    for id in before.keys().chain(after.keys()) {
        let (was, is) = (before.get(id), after.get(id));
        if was != is {
            return Err(format!(
                "the first execution went on and wrote: workflow `{id}` was {was:?}, and is {is:?}"
            ));
        }
    }
    Ok(())
}
