//! Virtual time, and whose turn it is.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use fastrand::Rng;

/// A computer of the simulation, by number. One that stands still has its timers held; those of one that is gone never fire.
pub(super) type HostId = usize;

/// Time that goes on when nothing can run, to the next instant at which somebody is due, and wakes one at a time: of those due together, the
/// seed says who is first. A clone is another handle on the same one.
#[derive(Clone)]
pub(super) struct Timeline(Arc<Mutex<State>>);

struct State {
    /// In microseconds since the start.
    now: u64,
    next_id: u64,
    random: Rng,
    sleepers: BTreeMap<u64, Sleeper>,
    /// By instant, then by lot.
    due: BTreeSet<(u64, u32, u64)>,
    still: BTreeSet<HostId>,
    gone: BTreeSet<HostId>,
}

struct Sleeper {
    host: Option<HostId>,
    at: u64,
    /// Its place among those that are due; none while its host stands still or is gone.
    place: Option<(u64, u32, u64)>,
    over: bool,
    waker: Option<Waker>,
}

impl Timeline {
    pub(super) fn new(random: Rng) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: 0,
            next_id: 0,
            random,
            sleepers: BTreeMap::new(),
            due: BTreeSet::new(),
            still: BTreeSet::new(),
            gone: BTreeSet::new(),
        })))
    }

    /// Microseconds since the start.
    pub(super) fn now(&self) -> u64 {
        self.lock().now
    }

    /// Sleeps, on a host or outside of all.
    pub(super) fn sleep(&self, host: Option<HostId>, duration: Duration) -> Sleep {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let mut state = self.lock();
        state.next_id += 1;
        let id = state.next_id;
        let sleeper = Sleeper {
            host,
            at: state.now.saturating_add(micros),
            place: None,
            over: false,
            waker: None,
        };
        state.sleepers.insert(id, sleeper);
        state.list(id);
        drop(state);
        Sleep {
            timeline: self.clone(),
            id,
        }
    }

    /// The timers of a host are held.
    pub(super) fn stand_still(&self, host: HostId) {
        let mut state = self.lock();
        state.still.insert(host);
        state.unlist(host);
    }

    /// The timers of a host go on; what was due meanwhile is due now.
    pub(super) fn go_on(&self, host: HostId) {
        let mut state = self.lock();
        state.still.remove(&host);
        for id in state.of(host) {
            state.list(id);
        }
    }

    /// No timer of a host fires any more.
    pub(super) fn end(&self, host: HostId) {
        let mut state = self.lock();
        state.gone.insert(host);
        state.unlist(host);
    }

    /// Nothing can run: wakes the next who is due.
    pub(super) fn on_idle(&self) {
        let mut state = self.lock();
        let Some(place) = state.due.pop_first() else {
            return;
        };
        state.now = state.now.max(place.0);
        let waker = state.sleepers.get_mut(&place.2).and_then(|sleeper| {
            sleeper.over = true;
            sleeper.place = None;
            sleeper.waker.take()
        });
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(&self, host: HostId) -> Vec<u64> {
        let of_host = |sleeper: &Sleeper| sleeper.host == Some(host) && !sleeper.over;
        let sleepers = self.sleepers.iter();
        let found = sleepers.filter(|(_, sleeper)| of_host(sleeper));
        found.map(|(id, _)| *id).collect()
    }

    fn list(&mut self, id: u64) {
        let lot = self.random.u32(..);
        let Some(sleeper) = self.sleepers.get_mut(&id) else {
            return;
        };
        let stopped = |host| self.still.contains(&host) || self.gone.contains(&host);
        if sleeper.place.is_some() || sleeper.host.is_some_and(stopped) {
            return;
        }
        let place = (sleeper.at.max(self.now), lot, id);
        sleeper.place = Some(place);
        self.due.insert(place);
    }

    fn unlist(&mut self, host: HostId) {
        for id in self.of(host) {
            let sleeper = self.sleepers.get_mut(&id);
            if let Some(place) = sleeper.and_then(|sleeper| sleeper.place.take()) {
                self.due.remove(&place);
            }
        }
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeline({})", self.now())
    }
}

/// A pause; forgotten when it is dropped.
pub(super) struct Sleep {
    timeline: Timeline,
    id: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.timeline.lock().sleepers.get_mut(&self.id) {
            Some(sleeper) if !sleeper.over => {
                sleeper.waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut state = self.timeline.lock();
        let sleeper = state.sleepers.remove(&self.id);
        if let Some(place) = sleeper.as_ref().and_then(|sleeper| sleeper.place) {
            state.due.remove(&place);
        }
        // A waker may own whatever it likes.
        drop(state);
        drop(sleeper);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_is_due_first_is_woken_first_and_alone() {
        let timeline = Timeline::new(Rng::with_seed(1));
        let (mut late, mut early) = (
            timeline.sleep(None, 2 * SECOND),
            timeline.sleep(None, SECOND),
        );
        timeline.on_idle();
        assert_eq!(timeline.now(), 1_000_000);
        assert!((&mut early).now_or_never().is_some());
        assert!((&mut late).now_or_never().is_none());
    }

    #[test]
    fn of_those_due_together_the_seed_says_who_is_first() {
        let first = |seed| {
            let timeline = Timeline::new(Rng::with_seed(seed));
            let mut sleeps: Vec<_> = (0..4).map(|_| timeline.sleep(None, SECOND)).collect();
            timeline.on_idle();
            sleeps
                .iter_mut()
                .position(|sleep| sleep.now_or_never().is_some())
        };
        let chosen: BTreeSet<_> = (0..32).map(first).collect();
        assert_eq!(chosen.len(), 4, "{chosen:?}");
        assert_eq!(first(7), first(7));
    }

    #[test]
    fn a_host_that_stands_still_is_late_and_one_that_is_gone_is_never_woken() {
        let timeline = Timeline::new(Rng::with_seed(1));
        let mut still = timeline.sleep(Some(1), SECOND);
        let mut gone = timeline.sleep(Some(2), SECOND);
        let _other = timeline.sleep(None, 5 * SECOND);
        timeline.stand_still(1);
        timeline.end(2);
        timeline.on_idle();
        assert_eq!(timeline.now(), 5_000_000);
        assert!((&mut still).now_or_never().is_none());
        timeline.go_on(1);
        timeline.on_idle();
        timeline.on_idle();
        assert!((&mut still).now_or_never().is_some());
        assert!((&mut gone).now_or_never().is_none());
        assert_eq!(timeline.now(), 5_000_000);
    }
}
