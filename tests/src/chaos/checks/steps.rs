//! A step's outcome is recorded once, comes from a body that ran, and is what the workflow used.
use std::collections::{HashMap, HashSet};

use super::super::{
    clock,
    evidence::{Body, Evidence},
    load::RESUMED,
};
use crate::flows;

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
        violations.extend(flows::wrong(record, steps));
        for effect in steps.iter().filter_map(flows::effect) {
            if !finished.contains_key(&(id.as_str(), effect.step, effect.nonce)) {
                violations.push(format!("workflow {id}: no body returned {effect:?}"));
            }
        }
    }
    violations
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
