use durable_api::{
    WorkflowStatus,
    store::{QueueRecord, RateLimit},
};

use super::{Change, Memory};

/// No stretch of time has more starts than the rates of a queue let through, by the clocks of those who start. Where clocks differ, the
/// latest instant that was recorded counts for those that are behind.
pub(super) fn check(change: &Change<'_>, memory: &mut Memory) -> Vec<String> {
    if change.call.operation != "dequeue_workflows" {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for queue in &change.after.queues {
        let rates = [queue.limits.rate, queue.partition_limits.rate];
        if rates == [None, None] {
            continue;
        }
        let starts = memory.starts.entry(queue.name.clone()).or_default();
        for (at, partition) in taken(change, queue) {
            let latest = starts.iter().map(|(at, _)| *at).max();
            let at = latest.map_or(at, |latest| latest.max(at));
            starts.push((at, partition.clone()));
            let of_all = rates[0].filter(|rate| exceeded(*rate, starts, at, |_| true));
            let own = |other: &Option<String>| *other == partition;
            let of_partition = rates[1].filter(|rate| exceeded(*rate, starts, at, own));
            for rate in of_all.into_iter().chain(of_partition) {
                broken.push(format!(
                    "queue `{}` started more than {rate:?} lets through: {starts:?}",
                    queue.name
                ));
            }
        }
    }
    broken
}

/// What the call took from a queue: when, and of which partition.
fn taken(change: &Change<'_>, queue: &QueueRecord) -> Vec<(i64, Option<String>)> {
    let before = |id: &str| change.before.workflows.get(id).map(|row| row.status);
    let pending = change.after.pending_in(&queue.name);
    pending
        .filter(|row| before(&row.id) != Some(WorkflowStatus::Pending))
        .filter_map(|row| Some((row.started_at?.as_millis(), row.partition_key.clone())))
        .collect()
}

fn exceeded(
    rate: RateLimit,
    starts: &[(i64, Option<String>)],
    at: i64,
    counts: impl Fn(&Option<String>) -> bool,
) -> bool {
    let period = i64::try_from(rate.period_millis).unwrap_or(i64::MAX);
    let recent = starts
        .iter()
        .filter(|(start, partition)| start.saturating_add(period) > at && counts(partition));
    recent.count() > rate.starts as usize
}
