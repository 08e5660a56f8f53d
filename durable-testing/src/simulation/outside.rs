use std::{fmt, ops::RangeBounds, sync::Arc, time::Duration};

use durable_api::{Clock as _, Ctx, SystemStore, Timestamp};
use durable_engine::Client;
use fastrand::Rng;

use super::{clock::HostClock, fleet::Fleet, stage::Stage, view::View};

/// The world outside of the executors, as a scenario sees it.
///
/// Its [client](Self::client) has a line of its own to the store, with faults of its own, and never dies.
#[derive(Clone)]
pub struct Outside {
    pub(super) stage: Arc<Stage>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) client: Client,
}

impl Outside {
    /// A client of the application. It sits out what happens to the store.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// An executor that is launched, if there is one. What is started by it directly may be lost with it before it is accepted.
    pub fn executor(&self) -> Option<Ctx> {
        let size = self.fleet.size();
        let first = self.stage.draw(|random| random.usize(..size));
        let places = (first..size).chain(0..first);
        let lives = places.filter_map(|place| self.fleet.life(place));
        lives.filter(|life| !life.still).find_map(|life| life.ctx)
    }

    /// The store, without faults.
    pub fn store(&self) -> &dyn SystemStore {
        &*self.stage.store
    }

    /// What was stored after the last change.
    pub fn view(&self) -> Arc<View> {
        self.stage.watch.view()
    }

    /// Lets virtual time pass.
    pub async fn sleep(&self, duration: Duration) {
        self.stage.sleep(duration).await;
    }

    /// What a clock shows that is right.
    pub fn now(&self) -> Timestamp {
        HostClock::right(&self.stage.timeline).now()
    }

    /// A number from the seed.
    pub fn random(&self, range: impl RangeBounds<u64>) -> u64 {
        self.stage.draw(|random: &mut Rng| random.u64(range))
    }

    /// Writes something into the trace.
    pub fn note(&self, what: impl Into<String>) {
        self.stage.note("outside", what);
    }

    /// Says that a promise is broken, which ends the run.
    pub fn broken(&self, what: impl Into<String>) {
        self.stage.broken(what.into());
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}
