use durable::store::WorkflowRecord;

use super::super::{evidence::Evidence, load::RATED};

/// No stretch of time has more starts than the queue's rate allows.
pub(super) fn starts(evidence: &Evidence) -> Vec<String> {
    let (queue, limit, period) = RATED;
    let mut started: Vec<(i64, &WorkflowRecord)> = evidence
        .workflows
        .values()
        .filter(|record| record.queue.as_deref() == Some(queue))
        .filter_map(|record| Some((record.started_at?.as_millis(), record)))
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
