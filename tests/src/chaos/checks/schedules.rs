use std::collections::BTreeSet;

use super::super::{evidence::Evidence, load::SCHEDULE};
use crate::flows;

/// How late a tick may be, in seconds, when the schedule is paused: then it is not owed.
const LATE: i64 = 10;

/// Each tick has one run, and none is missing.
pub(super) fn ticks(evidence: &Evidence) -> Vec<String> {
    let mut violations = Vec::new();
    let mut ticks = BTreeSet::new();
    for record in evidence.workflows.values() {
        if record.schedule.as_deref() != Some(SCHEDULE) {
            continue;
        }
        match flows::tick(SCHEDULE, &record.id) {
            Some(second) if ticks.insert(second) => {}
            _ => violations.push(format!(
                "the tick of {} is none, or has two runs",
                record.id
            )),
        }
        if !evidence
            .bodies
            .iter()
            .any(|body| body.workflow == record.id)
        {
            violations.push(format!("the step of {} never ran", record.id));
        }
    }
    let first = evidence.scheduled.0.as_millis() / 1_000 + 2;
    let last = evidence.scheduled.1.as_millis() / 1_000;
    let owed = first..ticks.last().copied().unwrap_or(last);
    for second in owed.filter(|second| !ticks.contains(second)) {
        violations.push(format!("the schedule has no run for second {second}"));
    }
    if ticks.last().is_none_or(|latest| *latest < last - LATE) {
        violations.push(format!(
            "the latest tick is {:?}, the schedule was paused at {last}",
            ticks.last()
        ));
    }
    violations
}
