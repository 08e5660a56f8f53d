use std::time::{Duration, SystemTime};

use durable_api::{Clock, IdSource, Timestamp};
use futures::future::BoxFuture;
use uuid::Uuid;

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

/// Random UUIDs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// A number between 0 and 1, from the one source of randomness.
pub(crate) fn fraction(ids: &dyn IdSource) -> f64 {
    let (high, _) = ids.next_id().as_u64_pair();
    // The first 32 bits of a version 4 UUID are random; the version stands behind them.
    let bits = u32::try_from(high >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}
