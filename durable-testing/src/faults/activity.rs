use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// What is under way outside the tasks of a runtime: calls of stores, and whatever else may wake a task.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    under_way: AtomicUsize,
    changes: AtomicU64,
    executors: AtomicU64,
    over: Notify,
}

impl Activity {
    /// Something is under way until the answer is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(self))
    }

    /// Whether nothing is under way.
    #[cfg_attr(
        not(feature = "kit"),
        expect(dead_code, reason = "asked by the kit's clock")
    )]
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }

    /// Something was changed.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// An executor came, went or stands still.
    pub(crate) fn executors_changed(&self) {
        self.executors.fetch_add(1, Ordering::SeqCst);
        self.changed();
    }

    /// How often something was changed, and how often executors came, went or stood still.
    #[cfg_attr(
        not(feature = "kit"),
        expect(dead_code, reason = "asked by the kit's clock")
    )]
    pub(crate) fn changes(&self) -> (u64, u64) {
        (
            self.changes.load(Ordering::SeqCst),
            self.executors.load(Ordering::SeqCst),
        )
    }

    /// Completes when nothing is under way any more, after something was.
    #[cfg_attr(
        not(feature = "kit"),
        expect(dead_code, reason = "asked by the kit's clock")
    )]
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }
}

/// Something that is under way.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.over.notify_one();
        }
    }
}
