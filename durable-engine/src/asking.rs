//! Asking the store for work, so that none is taken that nobody hears of.
use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
};

use durable_api::{
    Error,
    store::{ExecutorStore, Owner, StoreResult},
};

use crate::{
    engine::{Engine, Launched},
    outage::Patience,
};

/// One request for work after the other.
///
/// A request that was not answered may be carried out, now or later. It keeps its number until it is: it is settled, and asked again.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    unanswered: Option<Owner>,
}

/// What the store answered.
pub(crate) struct Given<T> {
    /// To whom the work was given.
    pub(crate) owner: Owner,
    pub(crate) answer: T,
    /// Whether the request had to be repeated: all that there is was not asked for, then.
    pub(crate) is_repeated: bool,
}

impl Asking {
    /// Asks until there is an answer. `call` makes the request for an owner.
    pub(crate) async fn ask<T, F>(
        &mut self,
        engine: &Engine,
        launched: &Launched,
        operation: &'static str,
        call: impl Fn(Owner) -> F + Send + Sync,
    ) -> Result<Given<T>, Error>
    where
        F: Future<Output = StoreResult<T>> + Send,
    {
        let unanswered = self.unanswered;
        let owner = unanswered.unwrap_or_else(|| engine.next_owner(launched));
        self.unanswered = Some(owner);
        let was_asked = AtomicBool::new(unanswered.is_some());
        let is_repeated = AtomicBool::new(false);
        let store: &dyn ExecutorStore = engine.store();
        let answer = engine
            .persist(operation, Patience::Transient, || {
                let is_repetition = was_asked.swap(true, Ordering::Relaxed);
                is_repeated.store(is_repetition, Ordering::Relaxed);
                let call = &call;
                async move {
                    if is_repetition {
                        store.settle(owner).await?;
                    }
                    call(owner).await
                }
            })
            .await?;
        self.unanswered = None;
        Ok(Given {
            owner,
            answer,
            is_repeated: is_repeated.into_inner(),
        })
    }
}
