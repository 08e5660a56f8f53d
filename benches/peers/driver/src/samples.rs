use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Latencies, as they come.
#[derive(Debug, Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    /// One more.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(latency.as_nanos() as u64);
    }

    /// How they are distributed; nothing if there are none.
    pub fn spread(mut self) -> Option<Spread> {
        self.0.sort_unstable();
        let at = |share: f64| {
            let index = ((self.0.len() - 1) as f64 * share).round() as usize;
            self.0[index] as f64 / 1_000.0
        };
        (!self.0.is_empty()).then(|| Spread {
            count: self.0.len() as u64,
            p50: at(0.5),
            p99: at(0.99),
        })
    }
}

impl Extend<Duration> for Samples {
    fn extend<I: IntoIterator<Item = Duration>>(&mut self, latencies: I) {
        latencies.into_iter().for_each(|latency| self.add(latency));
    }
}

/// How latencies are distributed, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Spread {
    /// How many there are.
    pub count: u64,
    /// The median.
    pub p50: f64,
    /// What one in a hundred exceeds.
    pub p99: f64,
}
