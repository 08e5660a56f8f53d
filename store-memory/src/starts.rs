use durable_api::{
    Timestamp,
    store::{QueueRecord, RateLimit},
};

/// When workflows were taken from a queue that limits the rate of it, and of which partitions.
#[derive(Debug, Default)]
pub(crate) struct Starts(Vec<(Timestamp, Option<String>)>);

impl Starts {
    /// The time at which a start counts: `now`, but never before a start that is recorded. So clocks that differ never exceed a rate together.
    pub(crate) fn time(&self, now: Timestamp) -> Timestamp {
        let latest = self.0.iter().map(|(time, _)| *time).max();
        latest.map_or(now, |latest| latest.max(now))
    }

    /// When `rate` lets the next one of these partitions start: `None` if it is not in the way at `time`.
    pub(crate) fn next(
        &self,
        rate: RateLimit,
        time: Timestamp,
        counts: impl Fn(&Option<String>) -> bool,
    ) -> Option<Next> {
        let period = i64::try_from(rate.period_millis).unwrap_or(i64::MAX);
        let end = |start: Timestamp| start.as_millis().saturating_add(period);
        let mut ends: Vec<i64> = self
            .0
            .iter()
            .filter(|(_, partition)| counts(partition))
            .map(|(start, _)| end(*start))
            .filter(|end| *end > time.as_millis())
            .collect();
        ends.sort_unstable();
        let starts = rate.starts as usize;
        if ends.len() < starts {
            return None;
        }
        // Those that must be over, for one less than the limit to be left.
        let over = ends.get(ends.len() - starts).filter(|_| starts > 0);
        Some(over.map_or(Next::Never, |end| Next::At(Timestamp::from_millis(*end))))
    }

    /// Records a start, and forgets what no rate can ask for any more, however slow a caller's clock is.
    pub(crate) fn record(
        &mut self,
        time: Timestamp,
        partition: &Option<String>,
        record: &QueueRecord,
    ) {
        let rates = [record.limits.rate, record.partition_limits.rate];
        let Some(period) = rates.iter().flatten().map(|rate| rate.period_millis).max() else {
            self.0.clear();
            return;
        };
        let period = i64::try_from(period).unwrap_or(i64::MAX);
        let horizon = time.as_millis().saturating_sub(period);
        self.0.retain(|(start, _)| start.as_millis() > horizon);
        self.0.push((time, partition.clone()));
    }
}

/// When a rate that is in the way lets the next one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Next {
    At(Timestamp),
    Never,
}
