use std::fmt::Debug;

use durable_api::store::{Owner, Wakeups};
use futures::future::BoxFuture;

use super::{Call, Fault};

/// What lies between a process and its store: for how long calls are on their way, and who sees what becomes of them.
pub(crate) trait Line: Debug + Send + Sync {
    /// The call is on its way to the store.
    fn request(&self, call: &Call, fault: Fault) -> BoxFuture<'static, ()>;

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
