use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use durable_api::{
    Error, RetryPolicy,
    store::{StoreError, StoreErrorKind, StoreResult},
};

use crate::{engine::Engine, observe};

/// Whether the store is away, so that the log says so once, and once more when it is back.
#[derive(Debug, Default)]
pub(crate) struct Outage(AtomicBool);

/// Which malfunctions to sit out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Those that may pass by themselves; for calls whose caller can be told.
    Transient,
    /// Those that somebody may mend, a full disk say; for executions, which an outage must not end.
    Mendable,
}

impl Patience {
    fn covers(self, kind: StoreErrorKind) -> bool {
        let mendable = matches!(kind, StoreErrorKind::Failed | StoreErrorKind::Denied);
        kind.is_transient() || (self == Self::Mendable && mendable)
    }
}

impl Engine {
    /// Calls `operation` of the store until it answers, the malfunction is one that `patience` does not cover, or the engine halts.
    pub(crate) async fn persist<T, F>(
        &self,
        operation: &'static str,
        patience: Patience,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, Error>
    where
        F: Future<Output = StoreResult<T>> + Send,
    {
        let backoff = RetryPolicy::new(u32::MAX)
            .base(Duration::from_millis(20))
            .cap(Duration::from_secs(3))
            .jitter(0.5);
        for attempt in 1.. {
            let begun = Instant::now();
            let answer = call().await;
            observe::store_called(operation, begun.elapsed(), answer.is_ok());
            match answer {
                Ok(answer) => {
                    self.outage_over();
                    return Ok(answer);
                }
                Err(error) if !patience.covers(error.kind()) => return Err(error.into()),
                Err(error) => {
                    observe::store_call_repeated();
                    self.outage_seen(&error);
                }
            }
            let pause = backoff.delay(attempt, self.random());
            tokio::select! {
                biased;
                () = self.halted.cancelled() => break,
                () = self.clock().sleep(pause) => {}
            }
        }
        Err(Error::ShutDown {
            operation: "a store operation",
        })
    }

    /// Calls `operation` of the store once, for a caller that calls again in any case.
    pub(crate) async fn ask<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let begun = Instant::now();
        let answer = call.await;
        observe::store_called(operation, begun.elapsed(), answer.is_ok());
        match &answer {
            Ok(_) => self.outage_over(),
            Err(error) if error.kind().is_transient() => self.outage_seen(error),
            Err(_) => {}
        }
        answer
    }

    fn outage_seen(&self, error: &StoreError) {
        let contention = error.kind() == StoreErrorKind::Contention;
        if !contention && !self.outage.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "the store does not answer; operations wait and try again");
        }
    }

    fn outage_over(&self) {
        // A load first: the common case must not write to a shared cache line.
        if self.outage.0.load(Ordering::Relaxed) && self.outage.0.swap(false, Ordering::Relaxed) {
            tracing::info!("the store answers again");
        }
    }
}
