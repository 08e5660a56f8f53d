use std::collections::{HashMap, VecDeque};

use tokio::{runtime, sync::oneshot};

use super::{Batch, Limits};
use crate::error::Failure;

/// A write that waits for its commit, and the caller who waits for it.
pub(super) struct Entry<B: Batch> {
    pub(super) item: B::Item,
    pub(super) reply: oneshot::Sender<Result<B::Answer, Failure>>,
}

/// What waits in one runtime, and how many workers serve it.
struct Lane<B: Batch> {
    waiting: VecDeque<Entry<B>>,
    workers: usize,
}

/// What waits, by runtime: a worker serves callers of its own runtime alone, so that they end
/// together and a runtime that goes away takes no other's writes with it.
pub(super) struct Queue<B: Batch> {
    lanes: HashMap<runtime::Id, Lane<B>>,
}

impl<B: Batch> Queue<B> {
    /// Adds a write. `true` if it needs one more worker, which then counts as started.
    pub(super) fn push(&mut self, lane: runtime::Id, entry: Entry<B>, limits: Limits) -> bool {
        let lane = self.lanes.entry(lane).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            workers: 0,
        });
        lane.waiting.push_back(entry);
        let start = lane.workers < limits.commits;
        if start {
            lane.workers += 1;
        }
        start
    }

    /// Whether anything waits. If not, the worker that asks counts as ended.
    pub(super) fn is_worth_a_commit(&mut self, id: runtime::Id) -> bool {
        let waits = self
            .lanes
            .get(&id)
            .is_some_and(|lane| !lane.waiting.is_empty());
        if !waits {
            self.end_worker(id);
        }
        waits
    }

    /// The next batch, in order: the oldest writes that fit, no two of them equal. At least one, if any waits.
    pub(super) fn take(&mut self, id: runtime::Id, limits: Limits) -> Vec<Entry<B>> {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return Vec::new();
        };
        let mut batch: Vec<Entry<B>> = Vec::new();
        let mut bytes = 0;
        while let Some(entry) = lane.waiting.front() {
            bytes += B::weight(&entry.item);
            if batch.len() == limits.rows || (bytes > limits.bytes && !batch.is_empty()) {
                break;
            }
            batch.extend(lane.waiting.pop_front());
        }
        // The sort is stable, so of equal writes the earliest stays.
        batch.sort_by(|one, other| B::compare(&one.item, &other.item));
        let mut distinct: Vec<Entry<B>> = Vec::with_capacity(batch.len());
        let mut repeated = Vec::new();
        for entry in batch {
            match distinct.last() {
                Some(last) if B::compare(&last.item, &entry.item).is_eq() => repeated.push(entry),
                _ => distinct.push(entry),
            }
        }
        for entry in repeated.into_iter().rev() {
            lane.waiting.push_front(entry);
        }
        distinct
    }

    /// Counts a worker as ended. If it was the last, nobody serves what still waits: those callers
    /// are told by the loss of their reply.
    pub(super) fn end_worker(&mut self, id: runtime::Id) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.workers = lane.workers.saturating_sub(1);
            if lane.workers == 0 {
                self.lanes.remove(&id);
            }
        }
    }
}

impl<B: Batch> Default for Queue<B> {
    fn default() -> Self {
        Self {
            lanes: HashMap::new(),
        }
    }
}
