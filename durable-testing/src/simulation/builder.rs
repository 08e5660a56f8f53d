use std::{fmt, sync::Arc, thread, time::Duration};

use durable_api::{Ctx, Error, SystemStore};
use store_memory::MemoryStore;

use super::{Outside, SimulationReport, View, run, run::Parts, watch::Invariant};

/// A simulation that is about to run; see [the module](super).
#[must_use = "nothing happens before it is run"]
pub struct Simulation(Parts);

impl Simulation {
    /// A simulation from a seed, over a memory of its own, without workflows.
    pub fn new(seed: u64) -> Self {
        Self(Parts {
            seed,
            store: Arc::new(MemoryStore::new()),
            set_ups: Vec::new(),
            scenario: None,
            invariants: Vec::new(),
            endings: Vec::new(),
            faults_for: None,
            patience: Duration::from_secs(600),
        })
    }

    /// Runs over another store, which must answer every call at once and be as deterministic: one in memory, or a wrapper of one.
    pub fn store(mut self, store: Arc<dyn SystemStore>) -> Self {
        self.0.store = store;
        self
    }

    /// Does something to the context of each engine before it is launched: registers the workflows. The context's values have the engine's
    /// [`Host`](super::Host).
    pub fn set_up(
        mut self,
        set_up: impl Fn(&Ctx) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.0.set_ups.push(Arc::new(set_up));
        self
    }

    /// What the world outside does: starts workflows, sends, cancels. The simulation is over when it is, and all workflows have ended; a panic in it breaks the run.
    /// Whatever it draws at random, it draws from [`Outside::random`].
    pub fn scenario<F>(mut self, scenario: impl FnOnce(Outside) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.scenario = Some(Box::new(move |outside| Box::pin(scenario(outside))));
        self
    }

    /// What must hold after every change, besides what holds for all workflows.
    pub fn invariant(
        mut self,
        name: impl Into<String>,
        holds: impl Fn(&View) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.0.invariants.push(Invariant {
            name: name.into(),
            holds: Arc::new(holds),
        });
        self
    }

    /// What must hold when everything has ended.
    pub fn at_the_end(
        mut self,
        name: impl Into<String>,
        holds: impl Fn(&View) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.0.endings.push(Invariant {
            name: name.into(),
            holds: Arc::new(holds),
        });
        self
    }

    /// For how long, in virtual time, there are faults. Default: 3 to 15 seconds, by the seed.
    pub fn faults_for(mut self, duration: Duration) -> Self {
        self.0.faults_for = Some(duration);
        self
    }

    /// How long after the last fault everything must have ended, in virtual time. Default: ten minutes.
    pub fn patience(mut self, duration: Duration) -> Self {
        self.0.patience = duration;
        self
    }

    /// Runs it, on a thread of its own, to its end or to the first broken promise.
    ///
    /// # Panics
    /// When the thread cannot be started, and when the simulation itself panics.
    pub fn run(self) -> SimulationReport {
        let parts = self.0;
        let name = format!("simulation-{}", parts.seed);
        let thread = thread::Builder::new().name(name);
        let thread = thread.spawn(move || run::run(parts)).expect("a thread");
        match thread.join() {
            Ok(report) => report,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.0.seed)
            .finish_non_exhaustive()
    }
}
