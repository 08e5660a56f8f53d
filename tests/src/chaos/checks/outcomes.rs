//! Every accepted workflow has its one outcome, and nothing is left behind.
use durable::store::WorkflowRecord;

use super::super::{
    drain::describe,
    evidence::Evidence,
    ledger::Mark,
    worker::{self, DIRECT},
};
use crate::flows::{self, Expected, report};

/// What the controller was told is accepted.
pub(super) fn accepted(evidence: &Evidence) -> Vec<String> {
    let mut violations = Vec::new();
    for (id, entry) in &evidence.entries {
        check(evidence, id, &entry.expected, &mut violations);
    }
    violations
}

/// What workers were told is accepted.
pub(super) fn started_by_workers(evidence: &Evidence) -> Vec<String> {
    let mut violations = Vec::new();
    for (life, lines) in &evidence.ledgers {
        for line in lines.iter().filter(|line| line.mark == Mark::Accepted) {
            let number = line.workflow.rsplit('-').next().unwrap_or_default();
            let number = number.parse().unwrap_or_default();
            debug_assert!(line.workflow.starts_with(&format!("{DIRECT}-{life}")));
            let expected = flows::expected("chain", &worker::direct_job(number));
            check(evidence, &line.workflow, &expected, &mut violations);
        }
    }
    violations
}

fn check(evidence: &Evidence, id: &str, expected: &Expected, violations: &mut Vec<String>) {
    let Some(record) = evidence.workflows.get(id) else {
        violations.push(format!("workflow {id} was accepted, and is not stored"));
        return;
    };
    if let Err(what) = expected.check(record) {
        violations.push(format!("{}; {what}", describe(record)));
    }
}

/// Nothing waits, runs or is registered once all have left, and no row is damaged. What nobody was told of (a child, a tick, a start whose starter died)
/// has succeeded.
pub(super) fn leftovers(evidence: &Evidence) -> Vec<String> {
    let mut violations = Vec::new();
    for record in evidence.workflows.values() {
        if !record.status.is_final() {
            violations.push(format!("left behind: {}", describe(record)));
        } else if !evidence.entries.contains_key(&record.id) && report(record).is_none() {
            violations.push(format!("did not succeed: {}", describe(record)));
        }
    }
    for executor in &evidence.executors {
        violations.push(format!("still registered: {executor:?}"));
    }
    for damaged in &evidence.damaged {
        violations.push(format!("damaged: {damaged:?}"));
    }
    violations
}

/// A workflow is recovered at most once for each executor that was lost.
pub(super) fn recoveries(evidence: &Evidence) -> Vec<String> {
    let deaths = evidence.lives.iter().filter(|life| life.lost);
    let lost = deaths.count() + super::fences(evidence).len();
    let recovered_more = |record: &&WorkflowRecord| record.recovery_attempts as usize > lost;
    let records = evidence.workflows.values().filter(recovered_more);
    records
        .map(|record| format!("{lost} executors were lost, but {}", describe(record)))
        .collect()
}
