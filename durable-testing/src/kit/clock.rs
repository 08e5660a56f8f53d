//! Time that stands still while anything can run, and then goes to the next instant at which something is due.
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use durable_api::{Clock, Timestamp};
use futures::future::BoxFuture;

use super::timeline::{Id, Stop, Timeline};
use crate::faults::Activity;

/// The clock of a [`TestEnv`](super::TestEnv). A clone is another handle on the same one.
#[derive(Clone)]
pub(super) struct SkippingClock {
    timeline: Arc<Mutex<Timeline>>,
    activity: Arc<Activity>,
}

impl SkippingClock {
    /// A clock that starts at an instant. `window` is for how long loops that only look are woken as usual after something happened.
    pub(super) fn new(start: Timestamp, window: Duration, activity: Arc<Activity>) -> Self {
        let timeline = Timeline::new(start.as_millis(), millis(window));
        Self {
            timeline: Arc::new(Mutex::new(timeline)),
            activity,
        }
    }

    /// Nothing can run: lets time go on if it may. Called by the runtime before its thread parks.
    pub(super) fn on_idle(&self) {
        if !self.activity.is_idle() {
            return;
        }
        let changes = self.activity.changes();
        let woken = self.lock().step(changes);
        for waker in woken {
            waker.wake();
        }
    }

    /// Lets time go on, to an instant at most, for as long as the answer is held. It completes at that instant, when nothing can run any more,
    /// or earlier if nothing will ever happen.
    ///
    /// An endless one waits for something to happen, and takes the instant for the latest at which it must have.
    pub(super) fn drive(&self, until: Timestamp, endless: bool) -> Drive {
        let id = self.lock().drive(until.as_millis(), endless);
        Drive {
            clock: self.clone(),
            id,
        }
    }

    fn register(&self, due: Option<Duration>, look: Option<Duration>) -> BoxFuture<'static, ()> {
        let at =
            |timeline: &Timeline, pause: Duration| timeline.now().saturating_add(millis(pause));
        let mut timeline = self.lock();
        let due = due.map(|pause| at(&timeline, pause));
        let look = look.map(|pause| at(&timeline, pause));
        let id = timeline.sleep(due, look);
        drop(timeline);
        Box::pin(Sleep {
            clock: self.clone(),
            id,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Timeline> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.lock().now())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        self.register(Some(duration), None)
    }

    fn pause(&self, interval: Duration, due: Option<Duration>) -> BoxFuture<'static, ()> {
        self.register(due, Some(interval))
    }
}

impl fmt::Debug for SkippingClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SkippingClock({:?})", self.now())
    }
}

/// Whole milliseconds, rounded up: nothing is due early.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// A pause; forgotten when it is dropped.
struct Sleep {
    clock: SkippingClock,
    id: Id,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.clock.lock().poll_sleep(self.id, context.waker())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker: Option<Waker> = self.clock.lock().forget_sleep(self.id);
        drop(waker);
    }
}

/// Leave for time to go on, while it is held.
pub(super) struct Drive {
    clock: SkippingClock,
    id: Id,
}

impl Future for Drive {
    type Output = Stop;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Stop> {
        self.clock.lock().poll_drive(self.id, context.waker())
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        let waker: Option<Waker> = self.clock.lock().forget_drive(self.id);
        drop(waker);
    }
}
