//! What was promised, and whether it was kept.
mod limits;
mod outcomes;
mod rates;
mod schedules;
mod steps;

use super::evidence::Evidence;

pub(super) use limits::fences;

/// Every violation that the evidence shows.
pub(super) fn all(evidence: &Evidence) -> Vec<String> {
    let mut violations = Vec::new();
    violations.extend(outcomes::accepted(evidence));
    violations.extend(outcomes::started_by_workers(evidence));
    violations.extend(outcomes::leftovers(evidence));
    violations.extend(outcomes::recoveries(evidence));
    violations.extend(steps::recorded(evidence));
    violations.extend(steps::repeated(evidence));
    violations.extend(limits::concurrency(evidence));
    violations.extend(rates::starts(evidence));
    violations.extend(schedules::ticks(evidence));
    violations
}
