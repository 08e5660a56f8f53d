use std::collections::BTreeMap;

use durable_api::store::{Incarnation, Limits, QueueRecord, WorkflowRecord};

use super::Change;
use crate::simulation::View;

/// No queue has more running than its limits let through.
///
/// A limit that is lowered below what runs binds whoever comes next, so what counts is that there are more than before.
pub(super) fn check(change: &Change<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for queue in &change.after.queues {
        let before = counts(change.before, queue);
        for (whose, count) in counts(change.after, queue) {
            let grew = count > before.get(&whose).copied().unwrap_or(0);
            let limit = whose.limit(queue);
            if grew && limit.is_some_and(|limit| count > limit) {
                broken.push(format!(
                    "queue `{}` has {count} running of {whose:?}, of {limit:?} at most, after {}",
                    queue.name, change.call
                ));
            }
        }
    }
    broken
}

/// What is limited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Whose {
    /// Those of a partition, or all.
    partition: Option<Option<String>>,
    /// Those of an executor, or of all.
    executor: Option<Incarnation>,
}

impl Whose {
    fn limit(&self, queue: &QueueRecord) -> Option<u32> {
        let limits: &Limits = match &self.partition {
            Some(_) => &queue.partition_limits,
            None => &queue.limits,
        };
        match self.executor {
            Some(_) => limits.executor_concurrency,
            None => limits.concurrency,
        }
    }
}

fn counts(view: &View, queue: &QueueRecord) -> BTreeMap<Whose, u32> {
    let mut counts = BTreeMap::new();
    for row in view.pending_in(&queue.name) {
        for whose in concerns(row) {
            *counts.entry(whose).or_default() += 1;
        }
    }
    counts
}

/// By what a workflow that runs is counted.
fn concerns(row: &WorkflowRecord) -> Vec<Whose> {
    let executor = row.owner.map(|owner| owner.incarnation);
    let mut concerns = Vec::new();
    for partition in [None, Some(row.partition_key.clone())] {
        for executor in [None].into_iter().chain(executor.map(Some)) {
            let partition = partition.clone();
            concerns.push(Whose {
                partition,
                executor,
            });
        }
    }
    concerns
}
