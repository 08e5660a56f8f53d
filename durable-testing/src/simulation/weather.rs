use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fastrand::Rng;

use super::timeline::HostId;
use crate::faults::Fault;

/// How calls fare on their way to the store and back, drawn from the seed call by call.
#[derive(Debug)]
pub(super) struct Weather(Mutex<State>);

#[derive(Debug)]
struct State {
    random: Rng,
    climate: Climate,
    /// The store is away for everybody.
    outage: bool,
    /// How the lines of hosts are broken.
    broken: BTreeMap<HostId, Break>,
    /// No faults any more.
    calm: bool,
}

/// How a line is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Nothing comes through.
    Cut,
    /// What is asked for is carried out, and nobody hears of it.
    Deaf,
}

/// Of a thousand calls, how many meet what; of the whole run.
#[derive(Clone, Debug)]
struct Climate {
    refused: u32,
    request_lost: u32,
    answer_lost: u32,
    slow: u32,
    hint_lost: u32,
    /// In microseconds: how long a call that is not slow is on its way, at most.
    latency: u64,
}

impl Weather {
    /// Some runs are stormy, some are calm, some have one kind of fault only.
    pub(super) fn new(mut random: Rng) -> Self {
        let mut some = |most: u32| match random.u8(..4) {
            0 => 0,
            1 => random.u32(..=most),
            _ => random.u32(..=most / 5),
        };
        let climate = Climate {
            refused: some(150),
            request_lost: some(150),
            answer_lost: some(200),
            slow: some(100),
            hint_lost: some(1_000),
            latency: u64::from(some(40_000)) + 50,
        };
        Self(Mutex::new(State {
            random,
            climate,
            outage: false,
            broken: BTreeMap::new(),
            calm: false,
        }))
    }

    /// What becomes of a call.
    pub(super) fn fault(&self, host: HostId) -> Fault {
        let mut state = self.lock();
        if state.calm {
            return Fault::PassThrough;
        }
        let cut = state.outage || state.broken.get(&host) == Some(&Break::Cut);
        if cut {
            return match state.random.bool() {
                true => Fault::Refuse,
                false => Fault::LoseRequest,
            };
        }
        if state.broken.contains_key(&host) {
            return Fault::LoseAnswer;
        }
        let lot = state.random.u32(..1_000);
        let Climate {
            refused,
            request_lost,
            answer_lost,
            ..
        } = state.climate;
        match lot {
            lot if lot < refused => Fault::Refuse,
            lot if lot < refused + request_lost => Fault::LoseRequest,
            lot if lot < refused + request_lost + answer_lost => Fault::LoseAnswer,
            _ => Fault::PassThrough,
        }
    }

    /// For how long something is on its way.
    pub(super) fn latency(&self) -> Duration {
        let mut state = self.lock();
        let slow = !state.calm && state.random.u32(..1_000) < state.climate.slow;
        let longest = if slow {
            4_000_000
        } else {
            state.climate.latency
        };
        Duration::from_micros(state.random.u64(..=longest))
    }

    /// Whether a request that was given up arrives all the same, and after how long: just before or after its repetition, or much later.
    pub(super) fn straggles(&self) -> Option<Duration> {
        let mut state = self.lock();
        let longest = match state.random.u8(..4) {
            0 | 1 => return None,
            2 => 200_000,
            _ => 8_000_000,
        };
        Some(Duration::from_micros(state.random.u64(..=longest)))
    }

    /// For how long a hint is. They come one after the other.
    pub(super) fn hint_latency(&self) -> Duration {
        let mut state = self.lock();
        let longest = state.climate.latency.min(2_000);
        Duration::from_micros(state.random.u64(..=longest))
    }

    /// For how long one waits for what does not come.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_micros(self.lock().random.u64(1_000..500_000))
    }

    /// Whether a hint comes through.
    pub(super) fn passes_hint(&self, host: HostId) -> bool {
        let mut state = self.lock();
        let lost = state.random.u32(..1_000) < state.climate.hint_lost;
        state.calm || !(lost || state.outage || state.broken.contains_key(&host))
    }

    pub(super) fn set_outage(&self, outage: bool) {
        self.lock().outage = outage;
    }

    pub(super) fn break_line(&self, host: HostId, how: Break) {
        self.lock().broken.insert(host, how);
    }

    pub(super) fn mend_line(&self, host: HostId) {
        self.lock().broken.remove(&host);
    }

    /// From now on there are no faults.
    pub(super) fn calm(&self) {
        self.lock().calm = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
