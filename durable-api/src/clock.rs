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
}

/// Where all ids come from, so that a test can foretell them.
pub trait IdSource: Debug + Send + Sync + 'static {
    /// An id that no other call, here or elsewhere, returns.
    fn next_id(&self) -> Uuid;
}
