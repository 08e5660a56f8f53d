use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// Where what is done a part at a time goes on. To forget it costs some work and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    examined: AtomicI64,
    served: AtomicUsize,
}

impl Rounds {
    /// The last partition that was examined, whether it can be forgotten.
    pub(super) fn examined(&self) -> i64 {
        self.examined.load(Ordering::Relaxed)
    }

    /// The next look goes on behind this partition. What several examine at once is examined twice, or in the next round.
    pub(super) fn go_on_behind(&self, partition: i64) {
        self.examined.store(partition, Ordering::Relaxed);
    }

    /// With which of the queues that have work waiting to begin, if there are more than can be served at once: with another one
    /// each time.
    pub(super) fn next_queue(&self) -> usize {
        self.served.fetch_add(1, Ordering::Relaxed)
    }
}
