use std::time::{Duration, SystemTime};

use durable_api::{Clock, IdSource, Timestamp};
use futures::future::BoxFuture;
use uuid::{Builder, Uuid};

/// The machine's clock and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Random UUIDs; those of workflows begin with the time (version 7).
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn next_workflow_id(&self, now: Timestamp) -> Uuid {
        let [a, b, c, d, e, f, _, _, _, g, h, i, j, ..] = self.next_id().into_bytes();
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
    }
}

/// A number between 0 and 1, from the one source of randomness.
pub(crate) fn fraction(ids: &dyn IdSource) -> f64 {
    let (high, _) = ids.next_id().as_u64_pair();
    // The first 32 bits of a version 4 UUID are random; the version stands behind them.
    let bits = u32::try_from(high >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_workflows_are_in_the_order_of_their_times_and_unique_within_one() {
        let id = |millis| RandomIds.next_workflow_id(Timestamp::from_millis(millis));
        let times = [-1, 1, 2, 1_800_000_000_000, 1_800_000_000_001];
        let texts: Vec<String> = times.map(|millis| id(millis).to_string()).into();
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(id(1).get_version_num(), 7);
        assert_ne!(id(1), id(1));
    }
}
