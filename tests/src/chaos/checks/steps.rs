//! A step's outcome is recorded once, comes from a body that ran, and is what the workflow used.
use std::collections::{HashMap, HashSet};

use durable::store::{Outcome, StepRecord};

use super::{
    super::{
        clock,
        evidence::{Body, Evidence},
        flows::{EFFECT, Effect},
        load::RESUMED,
    },
    outcomes::report,
};

/// Steps whose second number is recorded only if they wait.
const TWO_NUMBERS: [&str; 2] = ["durable.recv", "durable.get_event"];

/// What is recorded.
pub(super) fn recorded(evidence: &Evidence) -> Vec<String> {
    let finished: HashMap<(&str, u32, u64), &Body> = evidence
        .bodies
        .iter()
        .filter(|body| body.finished)
        .map(|body| ((body.workflow.as_str(), body.step, body.nonce), body))
        .collect();
    let mut violations = Vec::new();
    for (id, record) in &evidence.workflows {
        let steps = evidence.steps.get(id).map_or(&[][..], Vec::as_slice);
        if let Some(gap) = gap(steps) {
            violations.push(format!("workflow {id} has no step {gap}, but later ones"));
        }
        let mut effects = Vec::new();
        for step in steps.iter().filter(|step| step.name == EFFECT) {
            let Some(effect) = effect(step) else {
                violations.push(format!("workflow {id}: step without its value: {step:?}"));
                continue;
            };
            let known = finished.contains_key(&(id.as_str(), effect.step, effect.nonce));
            if effect.step != step.step_id || !known {
                violations.push(format!(
                    "workflow {id}: no body returned {effect:?}: {step:?}"
                ));
            }
            effects.push(effect);
        }
        if let Some(mut report) = report(record) {
            report.effects.sort_by_key(|effect| effect.step);
            if report.effects != effects {
                violations.push(format!(
                    "workflow {id} used {:?}, recorded are {effects:?}",
                    report.effects
                ));
            }
        }
    }
    violations
}

fn effect(step: &StepRecord) -> Option<Effect> {
    match &step.outcome {
        Some(Outcome::Success(payload)) => payload.decode().ok(),
        _ => None,
    }
}

/// The first number that is missing, apart from those that need not be there.
fn gap(steps: &[StepRecord]) -> Option<u32> {
    let mut next = 0;
    for step in steps {
        let optional = |name: &str| TWO_NUMBERS.contains(&name);
        let before = steps.iter().find(|one| one.step_id + 1 == next);
        let skips_one = before.is_some_and(|before| optional(&before.name));
        if step.step_id != next && !(skips_one && step.step_id == next + 1) {
            return Some(next);
        }
        next = step.step_id + 1;
    }
    None
}

/// A step that is recorded does not run again: a body of it begins no more once a later step of its workflow has begun in an execution that is not stale.
pub(super) fn repeated(evidence: &Evidence) -> Vec<String> {
    let mut bodies: HashMap<&str, Vec<&Body>> = HashMap::new();
    for body in &evidence.bodies {
        bodies.entry(&body.workflow).or_default().push(body);
    }
    let mut violations = Vec::new();
    for (id, bodies) in bodies {
        // The steps of some run side by side. One that was cancelled and resumed runs anew before its old execution has heard of it.
        let side_by_side = evidence
            .workflows
            .get(id)
            .is_some_and(|record| record.name == "side_by_side");
        if side_by_side || id.starts_with(RESUMED) {
            continue;
        }
        let mut latest: Option<&Body> = None;
        let mut told = HashSet::new();
        for body in bodies {
            if let Some(latest) = latest.filter(|latest| latest.step > body.step)
                && !stale(evidence, body)
                && told.insert(body.step)
            {
                violations.push(format!(
                    "workflow {id}: a body of step {} began in {} after one of step {} had begun in {}",
                    body.step,
                    evidence.lives[body.life].name,
                    latest.step,
                    evidence.lives[latest.life].name,
                ));
            }
            latest = latest
                .filter(|latest| latest.step > body.step)
                .or(Some(body));
        }
    }
    violations
}

/// Whether a body's process stood still or was taken for dead shortly before it began, so that it may not have known that it had lost its workflow.
fn stale(evidence: &Evidence, body: &Body) -> bool {
    let life = &evidence.lives[body.life];
    let recently = body.begun.saturating_sub(clock::millis(2_000));
    let stopped = |stop: &(u64, u64)| stop.1 >= recently && stop.0 <= body.begun;
    let fenced = super::fences(evidence);
    life.stops.iter().any(stopped)
        || fenced.iter().any(|fence| {
            fence.life == body.life && fence.until >= recently && fence.from <= body.begun
        })
}
