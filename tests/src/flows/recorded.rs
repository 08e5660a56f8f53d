//! What is recorded of steps.
use durable::store::{Outcome, StepRecord, WorkflowRecord};

use super::{Effect, effects::EFFECT, report};

/// Steps whose second number is recorded only if they wait.
const TWO_NUMBERS: [&str; 2] = ["durable.recv", "durable.get_event"];

/// What is wrong with a workflow's steps: no number is missing, each effect stands where it was made, and the workflow used what is recorded.
pub(crate) fn wrong(row: &WorkflowRecord, steps: &[StepRecord]) -> Vec<String> {
    let id = &row.id;
    let mut wrong = Vec::new();
    if let Some(gap) = gap(row, steps) {
        wrong.push(format!("workflow {id} has no step {gap}, but later ones"));
    }
    let mut effects = Vec::new();
    for step in steps.iter().filter(|step| step.name == EFFECT) {
        match effect(step) {
            Some(effect) => effects.push(effect),
            None => wrong.push(format!("workflow {id}: step without its value: {step:?}")),
        }
    }
    if let Some(mut report) = report(row) {
        report.effects.sort_by_key(|effect| effect.step);
        if report.effects != effects {
            wrong.push(format!(
                "workflow {id} used {:?}, recorded are {effects:?}",
                report.effects
            ));
        }
    }
    wrong
}

/// What the body of a step returned that is recorded as this one.
pub(crate) fn effect(step: &StepRecord) -> Option<Effect> {
    let effect: Effect = match &step.outcome {
        Some(Outcome::Success(payload)) => payload.decode().ok()?,
        _ => return None,
    };
    (effect.step == step.step_id).then_some(effect)
}

/// The first number that is missing, apart from those that need not be there.
fn gap(row: &WorkflowRecord, steps: &[StepRecord]) -> Option<u32> {
    // Who drops calls has numbers without records.
    if row.name == "race" {
        return None;
    }
    let (mut next, mut optional) = (0, false);
    for step in steps {
        let skipped = optional && step.step_id == next + 1;
        if step.step_id != next && !skipped {
            return Some(next);
        }
        next = step.step_id + 1;
        optional = TWO_NUMBERS.contains(&step.name.as_str());
    }
    None
}
