use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use durable_api::Ctx;

use super::{
    host::{Host, Pace, SetUp, Skew},
    stage::Stage,
};

/// The executors: so many places, each with one life after another, and those that were left behind while they stood still.
pub(super) struct Fleet {
    pub(super) stage: Arc<Stage>,
    pace: Pace,
    /// In milliseconds, how wrong clocks are at most.
    worst: i64,
    set_ups: Vec<SetUp>,
    next_host: AtomicUsize,
    places: Mutex<Vec<Option<Life>>>,
}

/// A life that is in its place.
#[derive(Clone)]
pub(super) struct Life {
    pub(super) host: Host,
    /// Once it is launched.
    pub(super) ctx: Option<Ctx>,
    pub(super) still: bool,
}

impl Fleet {
    pub(super) fn new(stage: &Arc<Stage>, set_ups: Vec<SetUp>) -> Self {
        let places = stage.draw(|random| random.usize(2..=4));
        let beat = stage.draw(|random| [250, 500, 1_000][random.usize(..3)]);
        let look = stage.draw(|random| [300, 1_000, 2_000][random.usize(..3)]);
        let worst = stage.draw(|random| [0, 100, 2_000, 2_000, 60_000][random.usize(..5)]);
        let pace = Pace {
            beat: Duration::from_millis(beat),
            lease: Duration::from_millis(beat * 3),
            look: Duration::from_millis(look),
        };
        stage.note(
            "simulation",
            format!("{places} executors, {pace:?}, clocks {worst} ms off at most"),
        );
        Self {
            stage: Arc::clone(stage),
            pace,
            worst,
            set_ups,
            next_host: AtomicUsize::new(0),
            places: Mutex::new((0..places).map(|_| None).collect()),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.places().len()
    }

    pub(super) fn lease(&self) -> Duration {
        self.pace.lease
    }

    /// How far off clocks may be, in milliseconds.
    pub(super) fn worst_skew(&self) -> i64 {
        self.worst
    }

    pub(super) fn life(&self, place: usize) -> Option<Life> {
        self.places().get(place).cloned().flatten()
    }

    /// A computer that nothing runs on as yet.
    pub(super) fn host(&self, name: &str) -> Host {
        let id = self.next_host.fetch_add(1, Ordering::Relaxed);
        let worst = self.worst;
        let skew = self.stage.draw(|random| Skew {
            offset: random.i64(-worst..=worst),
            drift: match random.u8(..3) {
                0 if worst > 0 => random.i64(-20_000..=20_000),
                _ => 0,
            },
        });
        Host::new(&self.stage, id, format!("{name}.{id}"), skew)
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// Keeps a place filled: when its life ends or is left behind, another begins after a while, some under the same executor id.
    pub(super) async fn tend(self: Arc<Self>, place: usize) {
        let keeps_id = place == 0 || self.stage.draw(|random| random.bool());
        for life in 0_u32.. {
            let executor_id = match keeps_id {
                true => format!("executor-{place}"),
                false => format!("executor-{place}-{life}"),
            };
            let host = self.host(&format!("e{place}"));
            host.note(format!("begins as {executor_id}"));
            self.set(place, Some((host.clone(), None)));
            let launched = tokio::select! {
                biased;
                () = host.left.cancelled() => None,
                launched = host.launch(&executor_id, self.pace, &self.set_ups) => Some(launched),
            };
            match launched {
                Some(Ok(ctx)) => {
                    host.note("is launched");
                    self.set(place, Some((host.clone(), Some(ctx.clone()))));
                    self.bury(&host, ctx);
                    host.left.cancelled().await;
                }
                Some(Err(error)) => {
                    host.note(format!("cannot be launched: {error}"));
                    host.kill();
                }
                None => {}
            }
            self.set(place, None);
            let pause = self.stage.millis(0..3_000);
            self.stage.sleep(pause).await;
        }
    }

    /// Some time after a process died, nothing of it is left: until then, what it has sent arrives.
    fn bury(&self, host: &Host, ctx: Ctx) {
        let (stage, gone) = (Arc::clone(&self.stage), host.gone.clone());
        tokio::spawn(async move {
            gone.cancelled().await;
            stage.sleep(Duration::from_secs(5)).await;
            let _ = durable_api::shutdown(&ctx, Duration::ZERO).await;
        });
    }

    /// Whatever is in the place stands still or goes on.
    pub(super) fn set_still(&self, place: usize, still: bool) {
        if let Some(Some(life)) = self.places().get_mut(place) {
            life.still = still;
        }
    }

    fn set(&self, place: usize, life: Option<(Host, Option<Ctx>)>) {
        let mut places = self.places();
        let still = places[place].as_ref().is_some_and(|life| life.still);
        places[place] = life.map(|(host, ctx)| Life {
            host,
            still: still && ctx.is_some(),
            ctx,
        });
    }

    fn places(&self) -> MutexGuard<'_, Vec<Option<Life>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
