use std::{collections::HashSet, fmt};

use crate::{Call, Fault, FaultPlan};

/// A call, and what becomes of the process at it.
#[derive(Clone, Debug)]
pub(super) struct Point {
    call: Call,
    fault: Fault,
}

impl Point {
    /// The plan that meets the fault at the corresponding call.
    pub(super) fn plan(&self) -> FaultPlan {
        let point = self.clone();
        FaultPlan::new(move |call| match call.corresponds_to(&point.call) {
            true => point.fault,
            false => Fault::PassThrough,
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            Fault::CrashBefore => "crash before",
            Fault::CrashAfter => "crash after",
            _ => "pause before",
        };
        write!(f, "{what} {}", self.call)
    }
}

/// All crashes of a run of which this is the log: each call that changes something, and of those that only look, each kind once between two changes.
pub(super) fn crash_points_in(log: &[(Call, bool)], looks: bool) -> Vec<Point> {
    points(log, looks, &[Fault::CrashBefore, Fault::CrashAfter])
}

/// All pauses, at the same calls.
pub(super) fn pause_points_in(log: &[(Call, bool)], looks: bool) -> Vec<Point> {
    points(log, looks, &[Fault::Pause])
}

fn points(log: &[(Call, bool)], looks: bool, faults: &[Fault]) -> Vec<Point> {
    let mut looked = HashSet::new();
    let mut points = Vec::new();
    for (call, changed) in log {
        if *changed {
            looked.clear();
        } else if !looked.insert((call.operation, &call.workflow_id, call.step_id)) {
            continue;
        }
        if !looks && !*changed {
            continue;
        }
        points.extend(faults.iter().map(|fault| Point {
            call: call.clone(),
            fault: *fault,
        }));
    }
    points
}
