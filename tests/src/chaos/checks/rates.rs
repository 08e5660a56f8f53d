use std::collections::HashMap;

use durable::store::WorkflowRecord;

use super::super::{evidence::Evidence, load::RATED};

/// In milliseconds, how long after its recorded start a workflow begins whose start was not held up by the store: one that asked in time and was
/// answered late has an early start recorded.
const PROMPT: i64 = 300;

/// No stretch of time has more starts than the queue's rate allows.
pub(super) fn starts(evidence: &Evidence) -> Vec<String> {
    let (queue, limit, period) = RATED;
    let mut begun: HashMap<&str, Vec<i64>> = HashMap::new();
    for body in &evidence.bodies {
        let at = evidence.wall_clock(body.begun).as_millis();
        begun.entry(&body.workflow).or_default().push(at);
    }
    let mut started: Vec<(i64, &WorkflowRecord)> = evidence
        .workflows
        .values()
        .filter(|record| record.queue.as_deref() == Some(queue))
        .filter_map(|record| Some((record.started_at?.as_millis(), record)))
        .filter(|(at, record)| {
            let begun = begun.get(record.id.as_str()).into_iter().flatten();
            begun
                .into_iter()
                .any(|begun| (0..PROMPT).contains(&(begun - at)))
        })
        .collect();
    started.sort_by_key(|(at, _)| *at);
    let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
    started
        .windows(limit as usize + 1)
        .filter(|window| window[limit as usize].0 - window[0].0 < period)
        .map(|window| {
            let starts: Vec<String> = window
                .iter()
                .map(|(at, record)| format!("{} at {at}", record.id))
                .collect();
            format!(
                "queue {queue}: more than {limit} starts in {period} ms: {}",
                starts.join(", ")
            )
        })
        .collect()
}
