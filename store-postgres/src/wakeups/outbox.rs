use std::collections::HashSet;

use durable_api::store::Wakeup;

use super::notice::CAPACITY;

/// So many hints wait at most; if more come, they become one that says `Everything`.
const LIMIT: usize = 20 * CAPACITY;

/// Hints that wait to be sent to other processes.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: HashSet<Wakeup>,
    /// Whether a task empties it.
    served: bool,
}

impl Outbox {
    /// Adds hints. `true` if the outbox needs a task that empties it, which then counts as started.
    pub(super) fn put(&mut self, hints: impl IntoIterator<Item = Wakeup>) -> bool {
        self.waiting.extend(hints);
        if self.waiting.len() > LIMIT {
            self.waiting.clear();
            self.waiting.insert(Wakeup::Everything);
        }
        let start = !self.served && !self.waiting.is_empty();
        self.served |= start;
        start
    }

    /// As many as fit into one notification. If there are none, the task that asks counts as ended.
    pub(super) fn take(&mut self) -> Vec<Wakeup> {
        let some: Vec<Wakeup> = self.waiting.iter().take(CAPACITY).copied().collect();
        for hint in &some {
            self.waiting.remove(hint);
        }
        self.served = !some.is_empty();
        some
    }

    /// The task ended before the outbox was empty. The next hint starts another.
    pub(super) fn abandon(&mut self) {
        self.served = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_started_once_and_again_when_it_has_ended() {
        let mut outbox = Outbox::default();
        assert!(!outbox.put([]));
        assert!(outbox.put([Wakeup::Claimable, Wakeup::Claimable]));
        assert!(!outbox.put([Wakeup::Workflow(1)]));
        assert_eq!(outbox.take().len(), 2);
        assert!(!outbox.put([Wakeup::Workflow(1)]));
        assert_eq!(outbox.take(), [Wakeup::Workflow(1)]);
        assert_eq!(outbox.take(), []);
        assert!(outbox.put([Wakeup::Workflow(1)]));
        outbox.abandon();
        assert!(outbox.put([Wakeup::Workflow(2)]));
    }

    #[test]
    fn too_many_hints_become_one() {
        let mut outbox = Outbox::default();
        outbox.put((0..=LIMIT as u64).map(Wakeup::Workflow));
        assert_eq!(outbox.take(), [Wakeup::Everything]);
    }
}
