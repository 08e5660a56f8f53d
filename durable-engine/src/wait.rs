//! Waiting for something to become true in the store.
use std::{future::Future, time::Duration};

use durable_api::{
    Error, Timestamp,
    store::{StoreError, StoreErrorKind},
};

use tokio::runtime::Handle as Runtime;

use crate::{engine::Engine, run::Run, wakeups};

/// How a wait ended.
pub(crate) enum Waited<T> {
    /// It became true.
    Came(T),
    /// Its time ran out first.
    Expired,
}

impl Engine {
    /// Asks `look` until it finds something: at once, at each hint about the workflow, and now and then.
    ///
    /// Ends at the instant `until`, after one last look.
    pub(crate) async fn wait_for<T, F>(
        &self,
        workflow_id: &str,
        until: Option<Timestamp>,
        look: impl Fn() -> F + Send,
    ) -> Result<Waited<T>, Error>
    where
        F: Future<Output = Result<Option<T>, Error>> + Send,
    {
        wakeups::start(self, &Runtime::current());
        let mut listener = self.wakeups.listen(workflow_id);
        loop {
            // The time is read before the look, so that the last look is not earlier than the end.
            let left = until.map(|until| until.saturating_duration_since(self.now()));
            if let Some(found) = look().await? {
                return Ok(Waited::Came(found));
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Waited::Expired);
            }
            let pause = self.clock().pause(self.config.poll_interval, left);
            tokio::select! {
                biased;
                () = self.halted.cancelled() => {
                    return Err(Error::ShutDown { operation: "a wait" });
                }
                () = listener.woken() => {}
                () = pause => {}
            }
        }
    }

    /// An answer for a caller who waits for no longer than `timeout`: an error, if the store has not answered soon after it.
    ///
    /// Not for what a workflow waits for, which an outage costs nothing but time.
    pub(crate) async fn answered_within<T>(
        &self,
        timeout: Duration,
        operation: &'static str,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let overdue = self.clock().sleep(timeout.saturating_add(LAST_LOOK));
        tokio::select! {
            biased;
            answer = answer => answer,
            () = overdue => {
                let message = format!("no answer within the timeout of {} ms", timeout.as_millis());
                let error = StoreError::new(StoreErrorKind::Unavailable, operation);
                Err(error.with_message(message).into())
            }
        }
    }

    /// Sleeps until an instant of the clock.
    pub(crate) async fn sleep_until(&self, until: Timestamp) {
        // The clock may have been set back meanwhile.
        loop {
            let left = until.saturating_duration_since(self.now());
            if left.is_zero() {
                return;
            }
            self.clock().sleep(left.min(LONGEST_SLEEP)).await;
        }
    }
}

/// How long the last look of a wait may take whose time is up.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// After this long, a sleep looks at the clock again.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 3600);

impl Run {
    /// Waits within the workflow: a signal to stop ends the wait.
    pub(crate) async fn interruptible<T>(
        &self,
        wait: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            answer = wait => answer,
            () = self.execution.cancellation().cancelled() => {
                Err(self.execution.interruption().unwrap_or_else(|| self.stopped()))
            }
        }
    }
}
