use std::{
    fmt,
    ops::RangeBounds,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use durable_api::{CancellationToken, Ctx, Error};
use durable_engine::Config;

use super::{APP, clock::HostClock, stage::Stage, timeline::HostId, wire::Wire};
use crate::FaultyStore;

/// What is done to each context before it is launched.
pub(super) type SetUp = Arc<dyn Fn(&Ctx) -> Result<(), Error> + Send + Sync>;

/// One life of an executor: an engine on a computer of its own, with a clock and a line to the store of its own.
///
/// The values of every context that [`set_up`](super::Simulation::set_up) is given have it: a step's body finds it as `ctx.value::<Host>()`.
#[derive(Clone)]
pub struct Host {
    pub(super) id: HostId,
    pub(super) name: Arc<str>,
    pub(super) stage: Arc<Stage>,
    pub(super) link: FaultyStore,
    clock: HostClock,
    /// Fires when the slot is free for another life.
    pub(super) left: CancellationToken,
    /// Fires when this life is over.
    pub(super) gone: CancellationToken,
}

/// The intervals of all engines of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) beat: Duration,
    pub(super) lease: Duration,
    pub(super) look: Duration,
}

impl Host {
    pub(super) fn new(stage: &Arc<Stage>, id: HostId, name: String, skew: Skew) -> Self {
        let name: Arc<str> = name.into();
        let wire = Wire {
            stage: Arc::clone(stage),
            host: id,
            name: Arc::clone(&name),
        };
        let plan = wire.plan();
        let link = FaultyStore::on_line(Arc::clone(&stage.store), Arc::new(wire));
        link.set_plan(plan);
        Self {
            id,
            name,
            link,
            clock: HostClock {
                timeline: stage.timeline.clone(),
                host: Some(id),
                offset: Arc::new(AtomicI64::new(skew.offset)),
                drift: skew.drift,
            },
            stage: Arc::clone(stage),
            left: CancellationToken::new(),
            gone: CancellationToken::new(),
        }
    }

    /// A configuration of an engine here.
    pub(super) fn config(&self, pace: Pace) -> Config {
        Config::new(APP, Arc::new(self.link.clone()))
            .app_version("simulated")
            .clock(Arc::new(self.clock.clone()))
            .ids(Arc::clone(&self.stage.ids) as _)
            .heartbeat_interval(pace.beat)
            .lease(pace.lease)
            .takeover_interval(pace.beat)
            .poll_interval(pace.look)
            .queue_interval(pace.look)
            .schedule_interval(pace.look * 2)
    }

    /// Makes an engine here, and launches it.
    pub(super) async fn launch(
        &self,
        executor_id: &str,
        pace: Pace,
        set_ups: &[SetUp],
    ) -> Result<Ctx, Error> {
        let config = self.config(pace).executor_id(executor_id);
        let ctx = durable_engine::new_context(config).await?;
        let with_host = ctx.with_value(self.clone());
        set_ups.iter().try_for_each(|set_up| set_up(&with_host))?;
        durable_api::launch(&ctx).await?;
        Ok(ctx)
    }

    /// Sleeps for a while of this host's time: while the host stands still, the sleep does, and it never ends on one that dies.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durable_testing::simulation::Host;
    /// # async fn example(host: &Host) {
    /// host.sleep(Duration::from_millis(30)).await;
    /// # }
    /// ```
    pub async fn sleep(&self, duration: Duration) {
        self.stage.timeline.sleep(Some(self.id), duration).await;
    }

    /// A number from the seed.
    ///
    /// ```
    /// # use durable_testing::simulation::Host;
    /// # fn example(host: &Host) {
    /// let nonce = host.random(..);
    /// # }
    /// ```
    pub fn random(&self, range: impl RangeBounds<u64>) -> u64 {
        self.stage.draw(|random| random.u64(range))
    }

    /// Writes something into the trace.
    ///
    /// ```
    /// # use durable_testing::simulation::Host;
    /// # fn example(host: &Host) {
    /// host.note("charged order 7");
    /// # }
    /// ```
    pub fn note(&self, what: impl Into<String>) {
        self.stage.note(&self.name, what);
    }

    /// The process dies: nothing of it goes on but what it has sent.
    pub(super) fn kill(&self) {
        self.note("dies");
        self.stage.timeline.end(self.id);
        self.link.kill();
        self.gone.cancel();
        self.left.cancel();
    }

    pub(super) fn stand_still(&self) {
        self.note("stands still");
        self.stage.timeline.stand_still(self.id);
        self.link.pause();
    }

    pub(super) fn go_on(&self) {
        self.note("goes on");
        self.link.resume();
        self.stage.timeline.go_on(self.id);
    }

    /// Its clock is set.
    pub(super) fn set_clock(&self, by: i64) {
        self.note(format!("its clock is set by {by} ms"));
        self.clock.offset.fetch_add(by, Ordering::Relaxed);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.name).finish()
    }
}

/// How wrong a clock is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Skew {
    /// In milliseconds.
    pub(super) offset: i64,
    /// In milliseconds a million.
    pub(super) drift: i64,
}
