use std::{fmt::Debug, sync::Arc};

use durable_api::store::{Owner, StoreResult, Wakeups};
use futures::future::BoxFuture;

use super::{Call, Fault};

/// What lies between a process and its store: for how long calls are on their way, and who sees what becomes of them.
pub(crate) trait Line: Debug + Send + Sync {
    /// The call is on its way to the store.
    fn request(&self, call: &Call, fault: Fault) -> BoxFuture<'static, ()>;

    /// The call was given up as lost: after how long it arrives all the same, if it does.
    fn straggle(&self, call: &Call) -> Option<BoxFuture<'static, ()>>;

    /// It was carried out. `owner` is the execution that writes, if it is one.
    fn done(&self, call: &Call, owner: Option<Owner>, effect: Effect);

    /// The answer is on its way back; so is the word that there is none.
    fn answer(&self, call: &Call, fault: Fault) -> BoxFuture<'static, ()>;

    /// The store's hints, as they come through.
    fn hints(&self, hints: Wakeups) -> Wakeups;
}

/// What a call did to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It was one that changes something.
    Changed,
    /// It changed nothing.
    Nothing,
    /// The store answered with an error.
    Failed,
}

impl Effect {
    /// By the answer, and by whether that tells of a change.
    pub(super) fn of<T>(answer: &StoreResult<T>, changed: &impl Fn(&T) -> bool) -> Self {
        match answer {
            Ok(answer) if changed(answer) => Self::Changed,
            Ok(_) => Self::Nothing,
            Err(_) => Self::Failed,
        }
    }
}

/// A call that was given up as lost, and is on its way.
pub(super) struct Straggler {
    pub(super) line: Arc<dyn Line>,
    pub(super) call: Call,
    pub(super) owner: Option<Owner>,
    pub(super) delay: BoxFuture<'static, ()>,
}

impl Straggler {
    /// It arrives in the end, and nobody waits for the answer.
    pub(super) fn arrive<T, F, C>(self, inner: F, changed: C)
    where
        T: 'static,
        F: Future<Output = StoreResult<T>> + Send + 'static,
        C: Fn(&T) -> bool + Send + 'static,
    {
        tokio::spawn(async move {
            self.delay.await;
            let effect = Effect::of(&inner.await, &changed);
            self.line.done(&self.call, self.owner, effect);
        });
    }
}
