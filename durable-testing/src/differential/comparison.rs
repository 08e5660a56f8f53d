use std::{
    fmt,
    time::{Duration, Instant},
};

use futures::StreamExt as _;

use super::{
    generator::{Faults, Generator},
    program::Step,
    replay::Pair,
    shrink::shrink,
};
use crate::Backend;

/// What to compare, and for how long.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is compared before it is run"]
pub struct Comparison {
    seed: u64,
    sequences: u64,
    length: usize,
    parallel: usize,
    with_faults: bool,
    time: Option<Duration>,
}

/// What came of a comparison.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// How many operations there were.
    pub operations: u64,
    /// How many sequences.
    pub sequences: u64,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// What two stores do not agree on.
#[derive(Debug)]
#[non_exhaustive]
pub struct Difference {
    /// The seed that finds it again: [`Comparison::new`] with it and one sequence.
    pub seed: u64,
    /// The operations that are left of the sequence, in their order.
    pub steps: Vec<String>,
    /// How the stores differ after the last of them.
    pub message: String,
}

impl Comparison {
    /// A hundred sequences of a thousand operations, without faults. The sequences have this seed and those that follow.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            sequences: 100,
            length: 1_000,
            parallel: 4,
            with_faults: false,
            time: None,
        }
    }

    /// So many sequences.
    pub fn sequences(mut self, sequences: u64) -> Self {
        self.sequences = sequences;
        self
    }

    /// Of so many operations each.
    pub fn length(mut self, operations: usize) -> Self {
        self.length = operations;
        self
    }

    /// So many of them at once, each on stores of its own.
    pub fn parallel(mut self, sequences: usize) -> Self {
        self.parallel = sequences.max(1);
        self
    }

    /// Calls are refused, or their requests or answers are lost; the caller repeats them. In every other sequence it does so at once, and the
    /// repetition must change nothing.
    pub fn with_faults(mut self) -> Self {
        self.with_faults = true;
        self
    }

    /// No sequence is begun any more after this time.
    pub fn for_time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// Compares `subject` with `reference`, up to the first difference.
    pub async fn run(self, reference: &impl Backend, subject: &impl Backend) -> Report {
        let began = Instant::now();
        let mut report = Report {
            operations: 0,
            sequences: 0,
            difference: None,
        };
        let seeds = (0..self.sequences)
            .map(|number| self.seed.wrapping_add(number))
            .take_while(|_| self.time.is_none_or(|time| began.elapsed() < time));
        let mut explorations = futures::stream::iter(seeds)
            .map(|seed| async move { (seed, self.explore(seed, reference, subject).await) })
            .buffer_unordered(self.parallel);
        while let Some((seed, (steps, message))) = explorations.next().await {
            report.operations += steps.len() as u64;
            report.sequences += 1;
            if let Some(message) = message {
                drop(explorations);
                let difference = self.explain(seed, steps, message, reference, subject);
                report.difference = Some(difference.await);
                break;
            }
        }
        report
    }

    /// Makes a sequence; answers it as far as the stores agree, with how they differ by its last step.
    async fn explore(
        self,
        seed: u64,
        reference: &impl Backend,
        subject: &impl Backend,
    ) -> (Vec<Step>, Option<String>) {
        let faults = self.faults(seed);
        Pair::run(reference, subject, faults, async |mut pair| {
            let mut generator = Generator::new(seed, faults);
            let mut steps = Vec::new();
            while steps.len() < self.length {
                let step = generator.next(&mut pair.reference).await;
                let difference = pair.take(&step).await;
                steps.push(step);
                if difference.is_some() {
                    return (steps, difference);
                }
            }
            let difference = pair.look().await;
            (steps, difference)
        })
        .await
    }

    async fn explain(
        self,
        seed: u64,
        steps: Vec<Step>,
        message: String,
        reference: &impl Backend,
        subject: &impl Backend,
    ) -> Difference {
        let (steps, shrunk) = shrink(reference, subject, self.faults(seed), steps).await;
        Difference {
            seed,
            steps: steps.iter().map(Step::to_string).collect(),
            message: shrunk.unwrap_or_else(|| {
                format!("{message}(once: the same steps did not lead there again)\n")
            }),
        }
    }

    fn faults(self, seed: u64) -> Faults {
        match (self.with_faults, seed.is_multiple_of(2)) {
            (false, _) => Faults::None,
            (true, true) => Faults::RepeatedAtOnce,
            (true, false) => Faults::RepeatedLate,
        }
    }
}

impl Report {
    /// Fails with the difference, if there is one.
    ///
    /// # Panics
    /// When the stores differ.
    pub fn assert_agreement(&self) {
        if let Some(difference) = &self.difference {
            panic!("{difference}");
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the stores differ, by seed {}:", self.seed)?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>4} {step}", number + 1)?;
        }
        write!(f, "then {}", self.message)
    }
}
