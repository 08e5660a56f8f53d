//! What is due when, and how far time may go.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    task::{Poll, Waker},
};

/// A sleeper's or a driver's number, in the order in which they came.
pub(super) type Id = u64;

/// Why time does not go on for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It has come to where it was to go, and nothing can run.
    Reached,
    /// Nothing is due, and those who look find nothing.
    Stuck,
}

/// All instants are in milliseconds.
///
/// There are two kinds of sleepers. What is **due** is woken on time. Who only **looks** at intervals is woken as usual for a while after something
/// changed, and for longer after executors came or went; when nothing has changed for longer than that, looks are taken to find nothing, and come at pauses that grow.
#[derive(Debug)]
pub(super) struct Timeline {
    now: i64,
    next_id: Id,
    sleepers: HashMap<Id, Sleeper>,
    dues: BTreeSet<(i64, Id)>,
    looks: BTreeSet<(i64, Id)>,
    drivers: BTreeMap<Id, Driver>,
    /// How many changes there had been when it was looked last, and how many of those were of executors.
    changes: (u64, u64),
    /// The last instant at which something changed.
    quiet_since: i64,
    /// Until when looks come as usual.
    usual_until: i64,
    /// For how long they do after executors came or went.
    window: i64,
    /// When they come next after that, and how long it is to the one after.
    next_look: i64,
    gap: i64,
}

#[derive(Debug)]
struct Sleeper {
    due: Option<i64>,
    look: Option<i64>,
    over: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Driver {
    until: i64,
    /// Whether it waits for something to happen, and not for the instant.
    endless: bool,
    stopped: Option<Stop>,
    waker: Option<Waker>,
}

/// For how long looks come as usual after something changed: whom it concerns is told, and need not look.
const USUAL: i64 = 1000;

/// Pauses between looks grow by this factor,
const GROWTH: i64 = 4;

/// to this at most.
const LONGEST_GAP: i64 = 24 * 3600 * 1000;

/// If nothing is due, and nothing has changed for so long, nothing will.
const STUCK_AFTER: i64 = 2 * LONGEST_GAP;

impl Timeline {
    pub(super) fn new(now: i64, window: i64) -> Self {
        Self {
            now,
            next_id: 0,
            sleepers: HashMap::new(),
            dues: BTreeSet::new(),
            looks: BTreeSet::new(),
            drivers: BTreeMap::new(),
            changes: (0, 0),
            quiet_since: now,
            usual_until: now.saturating_add(window),
            window,
            next_look: now.saturating_add(window + USUAL),
            gap: USUAL,
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn sleep(&mut self, due: Option<i64>, look: Option<i64>) -> Id {
        let id = self.take_id();
        self.dues.extend(due.map(|at| (at, id)));
        self.looks.extend(look.map(|at| (at, id)));
        let sleeper = Sleeper {
            due,
            look,
            over: false,
            waker: None,
        };
        self.sleepers.insert(id, sleeper);
        id
    }

    pub(super) fn poll_sleep(&mut self, id: Id, waker: &Waker) -> Poll<()> {
        match self.sleepers.get_mut(&id) {
            Some(sleeper) if !sleeper.over => {
                sleeper.waker = Some(waker.clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    pub(super) fn forget_sleep(&mut self, id: Id) -> Option<Waker> {
        let sleeper = self.sleepers.remove(&id)?;
        self.unlist(id, sleeper.due, sleeper.look);
        sleeper.waker
    }

    pub(super) fn drive(&mut self, until: i64, endless: bool) -> Id {
        let id = self.take_id();
        let driver = Driver {
            until: until.max(self.now),
            endless,
            stopped: None,
            waker: None,
        };
        self.drivers.insert(id, driver);
        id
    }

    pub(super) fn poll_drive(&mut self, id: Id, waker: &Waker) -> Poll<Stop> {
        match self.drivers.get_mut(&id) {
            Some(driver) => match driver.stopped {
                Some(stop) => Poll::Ready(stop),
                None => {
                    driver.waker = Some(waker.clone());
                    Poll::Pending
                }
            },
            None => Poll::Ready(Stop::Reached),
        }
    }

    pub(super) fn forget_drive(&mut self, id: Id) -> Option<Waker> {
        self.drivers.remove(&id)?.waker
    }

    /// Nothing can run: goes to the next instant at which somebody is to be woken, if somebody drives so far. Returns whom to wake.
    pub(super) fn step(&mut self, changes: (u64, u64)) -> Vec<Waker> {
        if changes != self.changes {
            let executors = changes.1 != self.changes.1;
            let usual = if executors { self.window } else { USUAL };
            self.changes = changes;
            self.quiet_since = self.now;
            self.usual_until = self.usual_until.max(self.now.saturating_add(usual));
            self.gap = USUAL;
            self.next_look = self.usual_until.saturating_add(USUAL);
        }
        let driving = self.drivers.iter().filter(|(_, one)| one.stopped.is_none());
        let nearest = driving.min_by_key(|(_, one)| (one.until, one.endless));
        let Some((&nearest, &Driver { until, endless, .. })) = nearest else {
            return Vec::new();
        };
        match self.next_instant() {
            next if endless && self.is_stuck(next) => self.stop(nearest, Stop::Stuck),
            Some(next) if next <= until => self.go_to(next),
            _ => {
                self.now = self.now.max(until);
                self.stop(nearest, Stop::Reached)
            }
        }
    }

    /// Whether only looks are left, and have found nothing for long.
    fn is_stuck(&self, next: Option<i64>) -> bool {
        let quiet = next.is_none_or(|next| next.saturating_sub(self.quiet_since) > STUCK_AFTER);
        self.dues.is_empty() && quiet
    }

    fn next_instant(&self) -> Option<i64> {
        let due = self.dues.first().map(|(at, _)| *at);
        let look = self.looks.first().map(|(at, _)| {
            if *at <= self.usual_until {
                *at
            } else {
                self.next_look.max(*at)
            }
        });
        let next = due.into_iter().chain(look).min()?;
        Some(next.max(self.now))
    }

    fn go_to(&mut self, instant: i64) -> Vec<Waker> {
        self.now = instant;
        if instant >= self.next_look {
            self.gap = self.gap.saturating_mul(GROWTH).min(LONGEST_GAP);
            self.next_look = instant.saturating_add(self.gap);
        }
        let end = (instant, Id::MAX);
        let dues: Vec<_> = self.dues.range(..=end).map(|(_, id)| *id).collect();
        let looks: Vec<_> = self.looks.range(..=end).map(|(_, id)| *id).collect();
        let mut woken = Vec::new();
        for id in dues.into_iter().chain(looks) {
            let Some(sleeper) = self.sleepers.get_mut(&id) else {
                continue;
            };
            sleeper.over = true;
            woken.extend(sleeper.waker.take());
            let (due, look) = (sleeper.due, sleeper.look);
            self.unlist(id, due, look);
        }
        woken
    }

    fn stop(&mut self, driver: Id, stop: Stop) -> Vec<Waker> {
        let driver = self.drivers.get_mut(&driver);
        driver
            .and_then(|driver| {
                driver.stopped = Some(stop);
                driver.waker.take()
            })
            .into_iter()
            .collect()
    }

    fn unlist(&mut self, id: Id, due: Option<i64>, look: Option<i64>) {
        if let Some(at) = due {
            self.dues.remove(&(at, id));
        }
        if let Some(at) = look {
            self.looks.remove(&(at, id));
        }
    }

    fn take_id(&mut self) -> Id {
        self.next_id += 1;
        self.next_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;

    #[test]
    fn without_leave_time_stands_still() {
        let mut timeline = Timeline::new(0, 1000);
        timeline.sleep(Some(5), None);
        timeline.step((0, 0));
        assert_eq!(timeline.now(), 0);
    }

    #[test]
    fn time_goes_from_one_due_instant_to_the_next_and_no_further_than_it_may() {
        let mut timeline = Timeline::new(0, 1000);
        let (first, second) = (timeline.sleep(Some(5), None), timeline.sleep(Some(9), None));
        let drive = timeline.drive(7, false);
        timeline.step((0, 0));
        assert_eq!(timeline.now(), 5);
        let waker = Waker::noop();
        assert!(timeline.poll_sleep(first, waker).is_ready());
        timeline.step((0, 0));
        assert_eq!(timeline.now(), 7);
        assert_eq!(
            timeline.poll_drive(drive, waker),
            Poll::Ready(Stop::Reached)
        );
        assert!(timeline.poll_sleep(second, waker).is_pending());
    }

    #[test]
    fn looks_that_find_nothing_come_ever_more_seldom() {
        let mut timeline = Timeline::new(0, 8_000);
        timeline.sleep(Some(30 * DAY), None);
        timeline.drive(i64::MAX, true);
        let mut looks = 0;
        while timeline.now() < 30 * DAY {
            timeline.sleep(None, Some(timeline.now() + 1000));
            timeline.step((0, 0));
            looks += 1;
        }
        assert_eq!(timeline.now(), 30 * DAY);
        assert!((30..80).contains(&looks), "{looks}");
    }

    #[test]
    fn after_a_change_of_executors_looks_come_as_usual() {
        let mut timeline = Timeline::new(0, 8_000);
        timeline.drive(i64::MAX, true);
        timeline.sleep(Some(10 * DAY), None);
        timeline.step((0, 0));
        assert_eq!(timeline.now(), 10 * DAY);
        for second in 1..=8 {
            timeline.sleep(None, Some(timeline.now() + 1000));
            timeline.step((1, 1));
            assert_eq!(timeline.now(), 10 * DAY + second * 1000);
        }
    }

    #[test]
    fn when_only_looks_are_left_it_is_said_so() {
        let mut timeline = Timeline::new(0, 8_000);
        let drive = timeline.drive(i64::MAX, true);
        for _ in 0..100 {
            timeline.sleep(None, Some(timeline.now() + 1000));
            timeline.step((0, 0));
        }
        assert_eq!(
            timeline.poll_drive(drive, Waker::noop()),
            Poll::Ready(Stop::Stuck)
        );
    }
}
