//! Judging whether other executors live, by whether their beats move while this one looks on.
use std::collections::HashMap;

use durable_api::store::{ExecutorRecord, Incarnation};

use crate::config::Config;

/// For each executor, its beat and for how many looks it has not moved.
///
/// What counts is this process's own looks, a [takeover interval](Config::takeover_interval) apart: neither clocks that differ, nor a jump of this
/// machine's clock, nor a pause of this process makes anybody look dead.
#[derive(Debug)]
pub(crate) struct Leases {
    /// So many looks without a beat, and the lease is over.
    patience: u32,
    seen: HashMap<Incarnation, (u64, u32)>,
}

impl Leases {
    pub(crate) fn new(config: &Config) -> Self {
        let looks = config
            .lease
            .as_millis()
            .div_ceil(config.takeover_interval.as_millis().max(1));
        Self {
            patience: u32::try_from(looks).unwrap_or(u32::MAX).max(2),
            seen: HashMap::new(),
        }
    }

    /// Takes a look.
    pub(crate) fn observe(&mut self, executors: &[ExecutorRecord]) {
        let seen = std::mem::take(&mut self.seen);
        for executor in executors {
            let still = match seen.get(&executor.incarnation) {
                Some((beat, looks)) if *beat == executor.beat => looks.saturating_add(1),
                _ => 0,
            };
            self.seen
                .insert(executor.incarnation, (executor.beat, still));
        }
    }

    /// Whether an executor has been still for too long.
    pub(crate) fn is_over(&self, incarnation: Incarnation) -> bool {
        let seen = self.seen.get(&incarnation);
        seen.is_some_and(|(_, looks)| *looks >= self.patience)
    }
}
