use std::fmt;

use super::{Trace, View};

/// What came of a simulation.
#[derive(Debug)]
#[non_exhaustive]
pub struct SimulationReport {
    /// The seed that makes the same run again.
    pub seed: u64,
    /// Which promises were broken; the run ended with the first.
    pub broken: Vec<String>,
    /// Everything that happened.
    pub trace: Trace,
    /// What is stored at the end.
    pub view: std::sync::Arc<View>,
}

/// So much of a trace is shown.
const TAIL: usize = 200;

impl SimulationReport {
    /// Whether every promise was kept.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// # Panics
    /// When a promise was broken, with the seed, and the last of what happened.
    ///
    /// ```no_run
    /// # let simulation = durable_testing::simulation::Simulation::new(7);
    /// simulation.run().assert_kept();
    /// ```
    pub fn assert_kept(&self) {
        assert!(self.is_kept(), "{self}");
    }
}

impl fmt::Display for SimulationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in self.trace.tail(TAIL) {
            writeln!(f, "{event}")?;
        }
        match self.broken.is_empty() {
            true => writeln!(f, "seed {}: every promise is kept", self.seed),
            false => writeln!(f, "seed {} breaks promises:", self.seed),
        }?;
        self.broken
            .iter()
            .try_for_each(|what| writeln!(f, "- {what}"))
    }
}
