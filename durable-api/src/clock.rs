use std::{fmt::Debug, time::Duration};

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::Timestamp;

/// Where all time comes from, so that a test can skip it.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present time. May jump, in either direction.
    fn now(&self) -> Timestamp;

    /// Completes after `duration`, whatever [`now`](Self::now) does meanwhile.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Completes after `interval`, or after `due` if that is sooner: the pause of one who looks at intervals for what it should be told of in any case,
    /// and who knows that something is due after `due`, if at all. A clock that skips time may let the interval pass late, since nothing happens
    /// at its end; what is due is never late.
    fn pause(&self, interval: Duration, due: Option<Duration>) -> BoxFuture<'static, ()> {
        self.sleep(due.map_or(interval, |due| due.min(interval)))
    }
}

/// Where all ids come from, so that a test can foretell them.
pub trait IdSource: Debug + Send + Sync + 'static {
    /// An id that no other call, here or elsewhere, returns.
    fn next_id(&self) -> Uuid;

    /// The id of a new workflow, as unique as others. A store keeps workflows in the order of their ids, so those that start together had better
    /// have ids that are close to each other: what is written for them is then close together, too, however many others there are. Default: any id.
    fn next_workflow_id(&self, now: Timestamp) -> Uuid {
        let _ = now;
        self.next_id()
    }
}
