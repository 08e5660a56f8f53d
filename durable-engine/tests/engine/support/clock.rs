use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use durable_api::{Clock, Timestamp};
use futures::future::BoxFuture;
use tokio::sync::{Notify, oneshot};

/// How long anything may take, in real time, before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub(crate) struct HandClock {
    state: Mutex<State>,
    slept: Notify,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    sleepers: Vec<Sleeper>,
    /// Every sleep that was asked for.
    requested: Vec<Duration>,
}

#[derive(Debug)]
struct Sleeper {
    due: Timestamp,
    wake: oneshot::Sender<()>,
}

impl HandClock {
    /// A clock at one second after the epoch.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                now: Timestamp::from_millis(1_000),
                sleepers: Vec::new(),
                requested: Vec::new(),
            }),
            slept: Notify::new(),
        })
    }

    /// Moves time on, and wakes those whose time has come.
    pub(crate) fn advance(&self, duration: Duration) {
        let mut state = self.lock();
        state.now = state.now.saturating_add(duration);
        let now = state.now;
        for sleeper in state.sleepers.extract_if(.., |sleeper| sleeper.due <= now) {
            // One who was woken by something else is gone.
            let _ = sleeper.wake.send(());
        }
    }

    /// Runs `future` to its end. Whenever somebody begins to sleep for less than a minute, that time passes at once.
    pub(crate) async fn skip<T>(&self, future: impl Future<Output = T>) -> T {
        let minute = Duration::from_secs(60);
        let mut future = pin!(future);
        let skipping = async {
            loop {
                let slept = self.slept.notified();
                if let Some(pause) = self.last_within(minute) {
                    self.advance(pause);
                }
                tokio::select! {
                    biased;
                    value = &mut future => return value,
                    () = slept => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, skipping)
            .await
            .expect("ends in time")
    }

    /// Waits until somebody sleeps for `duration` from now, or less.
    pub(crate) async fn asleep(&self, duration: Duration) {
        let asleep = async {
            loop {
                let slept = self.slept.notified();
                if self.last_within(duration).is_some() {
                    return;
                }
                slept.await;
            }
        };
        tokio::time::timeout(PATIENCE, asleep)
            .await
            .expect("somebody sleeps in time");
    }

    /// Every sleep below a minute that was asked for so far: back-offs, that is.
    pub(crate) fn short_sleeps(&self) -> Vec<Duration> {
        let mut sleeps = self.lock().requested.clone();
        sleeps.retain(|sleep| *sleep < Duration::from_secs(60));
        sleeps
    }

    /// When the last of those wakes up who sleep for `duration` from now, or less.
    fn last_within(&self, duration: Duration) -> Option<Duration> {
        let mut state = self.lock();
        state.sleepers.retain(|sleeper| !sleeper.wake.is_closed());
        let now = state.now;
        state
            .sleepers
            .iter()
            .map(|sleeper| sleeper.due.saturating_duration_since(now))
            .filter(|pause| *pause <= duration)
            .max()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (wake, woken) = oneshot::channel();
        let mut state = self.lock();
        let due = state.now.saturating_add(duration);
        state.requested.push(duration);
        if duration.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        state.sleepers.push(Sleeper { due, wake });
        drop(state);
        self.slept.notify_waiters();
        Box::pin(async move {
            let _ = woken.await;
        })
    }
}
