use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use durable_api::SystemStore;
use fastrand::Rng;

use super::{timeline::Timeline, trace::Recorder, watch::Watch, weather::Weather};
use crate::kit::SeededIds;

/// What all of one run share.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) store: Arc<dyn SystemStore>,
    pub(super) timeline: Timeline,
    pub(super) weather: Weather,
    pub(super) trace: Recorder,
    pub(super) watch: Watch,
    pub(super) ids: Arc<SeededIds>,
    random: Mutex<Rng>,
}

impl Stage {
    pub(super) fn new(store: Arc<dyn SystemStore>, seed: u64, watch: Watch) -> Self {
        let mut random = Rng::with_seed(seed);
        Self {
            store,
            timeline: Timeline::new(random.fork()),
            weather: Weather::new(random.fork()),
            trace: Recorder::default(),
            watch,
            ids: Arc::new(SeededIds::new(random.u64(..))),
            random: Mutex::new(random),
        }
    }

    /// Draws from the seed.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Milliseconds, from the seed.
    pub(super) fn millis(&self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.draw(|random| random.u64(range)))
    }

    pub(super) fn note(&self, who: &str, what: impl Into<String>) {
        self.trace.note(self.timeline.now(), who, what.into());
    }

    /// Something is broken: the run ends.
    pub(super) fn broken(&self, what: String) {
        self.note("broken", what.clone());
        self.watch.broken(what);
    }

    /// Sleeps outside of all hosts.
    pub(super) async fn sleep(&self, duration: Duration) {
        self.timeline.sleep(None, duration).await;
    }
}
