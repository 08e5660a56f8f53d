use std::collections::{BTreeMap, BTreeSet};

/// When partitions had their turns.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    by_partition: BTreeMap<Option<String>, Turn>,
    count: u64,
}

/// The last turn of a partition.
#[derive(Debug, Default)]
struct Turn {
    number: u64,
    /// How many more it may take in this turn.
    left: u32,
}

impl Turns {
    /// The order of partitions that all have something to give: who is in the midst of a turn, then whose last turn was longest ago.
    pub(crate) fn rank(&self, partition: &Option<String>) -> (bool, u64) {
        match self.by_partition.get(partition) {
            Some(turn) => (turn.left == 0, turn.number),
            None => (true, 0),
        }
    }

    /// A partition takes one; the turns of all others are over.
    pub(crate) fn take(&mut self, partition: &Option<String>, weight: u32) {
        for (other, turn) in &mut self.by_partition {
            if other != partition {
                turn.left = 0;
            }
        }
        let turn = self.by_partition.entry(partition.clone()).or_default();
        if turn.left == 0 {
            self.count += 1;
            turn.number = self.count;
            turn.left = weight;
        }
        turn.left -= 1;
    }

    /// Forgets all other partitions.
    pub(crate) fn keep(&mut self, partitions: &BTreeSet<Option<String>>) {
        self.by_partition
            .retain(|partition, _| partitions.contains(partition));
    }
}
