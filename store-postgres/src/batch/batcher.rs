use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable_api::store::StoreErrorKind;
use tokio::{runtime::Handle, sync::oneshot};

use super::{
    Batch, Limits,
    queue::{Entry, Queue},
    worker::Worker,
};
use crate::error::Failure;

/// Collects the writes of concurrent callers into shared commits.
///
/// A write that meets no other goes at once. The commits run in tasks of their own, so a caller that
/// gives up disturbs nobody; its write may still be applied.
pub(crate) struct Batcher<B: Batch> {
    shared: Arc<Shared<B>>,
}

/// What the callers and the workers have in common.
pub(super) struct Shared<B: Batch> {
    pub(super) batch: B,
    pub(super) limits: Limits,
    queue: Mutex<Queue<B>>,
}

impl<B: Batch> Batcher<B> {
    pub(crate) fn new(batch: B, limits: Limits) -> Self {
        let queue = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                batch,
                limits,
                queue,
            }),
        }
    }

    /// Commits an item, with others if there are any.
    pub(crate) async fn submit(&self, item: B::Item) -> Result<B::Answer, Failure> {
        let runtime = Handle::current();
        let lane = runtime.id();
        let (reply, answer) = oneshot::channel();
        let entry = Entry { item, reply };
        let start = self.shared.queue().push(lane, entry, self.shared.limits);
        if start {
            runtime.spawn(Worker::new(Arc::clone(&self.shared), lane).run());
        }
        answer.await.unwrap_or_else(|_| {
            Err(Failure::new(
                StoreErrorKind::Indeterminate,
                "the task that commits ended before it answered",
            ))
        })
    }
}

impl<B: Batch> Shared<B> {
    /// The queue. Nobody panics while holding the lock half way through a change.
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<B>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Batch> Clone for Batcher<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<B: Batch> fmt::Debug for Batcher<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}
