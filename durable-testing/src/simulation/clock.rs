use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use durable_api::{Clock, Timestamp};
use futures::future::BoxFuture;

use super::timeline::{HostId, Timeline};

/// What all clocks would show at the start, if they were right: a second before a whole minute.
pub(super) const START: i64 = 1_800_000_059_000;

/// The clock of a host: it may be wrong, run too fast or too slow, and be set.
#[derive(Clone, Debug)]
pub(super) struct HostClock {
    pub(super) timeline: Timeline,
    pub(super) host: Option<HostId>,
    /// How far off it is, in milliseconds.
    pub(super) offset: Arc<AtomicI64>,
    /// By how many milliseconds it is faster than it should be, in a million.
    pub(super) drift: i64,
}

impl HostClock {
    /// A clock that is right.
    pub(super) fn right(timeline: &Timeline) -> Self {
        Self {
            timeline: timeline.clone(),
            host: None,
            offset: Arc::default(),
            drift: 0,
        }
    }
}

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.timeline.now() / 1_000).unwrap_or(i64::MAX);
        let drifted = elapsed * self.drift / 1_000_000;
        Timestamp::from_millis(START + elapsed + drifted + self.offset.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        // The clock shows whole milliseconds: who is woken must find that its time has come.
        let millis = u64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        let whole = Duration::from_millis(millis.saturating_add(1));
        Box::pin(self.timeline.sleep(self.host, whole))
    }
}
