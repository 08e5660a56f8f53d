//! Letting time pass, with a word when it cannot.
use std::{future::Future, time::Duration};

use durable_api::{Clock as _, Timestamp};

use super::{TestEnv, timeline::Stop};

/// For how long, in real time, something may run without time moving or anything changing.
const PATIENCE: Duration = Duration::from_secs(30);

/// For how long, in skipped time, something may not happen that is waited for: ten years.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 365 * 86_400);

impl TestEnv {
    /// Lets time pass up to an instant, and everything run that can.
    pub(super) async fn come_to(&self, instant: Timestamp) {
        let drive = self.inner.clock.drive(instant, false);
        tokio::select! {
            biased;
            _ = drive => {}
            () = self.stands_still() => self.panic_standing(),
        }
    }

    /// Lets time pass until `work` completes.
    pub(super) async fn passing<T>(&self, work: impl Future<Output = T>) -> T {
        let clock = &self.inner.clock;
        let drive = clock.drive(clock.now().saturating_add(LONGEST_WAIT), true);
        let stop = tokio::select! {
            biased;
            output = work => return output,
            stop = drive => stop,
            () = self.stands_still() => self.panic_standing(),
        };
        let why = match stop {
            Stop::Stuck => "nothing will ever happen",
            Stop::Reached => "what is waited for has not happened in ten years",
        };
        panic!("{why}: {}", self.inner.steps.describe())
    }

    /// Completes when, for long, neither has time moved nor has anything changed.
    async fn stands_still(&self) {
        let look = || (self.inner.clock.now(), self.inner.activity.changes());
        let mut seen = look();
        loop {
            tokio::time::sleep(PATIENCE).await;
            let now = look();
            if now == seen {
                return;
            }
            seen = now;
        }
    }

    fn panic_standing(&self) -> ! {
        panic!(
            "time stands still, because something runs and does not end: {}; a step that is to hang is mocked by `hangs()`",
            self.inner.steps.describe()
        )
    }
}
