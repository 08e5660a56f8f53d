use std::{sync::Arc, time::Duration};

use durable_api::{
    Error, RetryPolicy, ShutdownReport,
    store::{ExecutorStore, Incarnation, StoreError},
};

use crate::engine::Engine;

/// Attempts to hand work back before it is left for recovery.
const RETIRE_ATTEMPTS: u32 = 5;

/// How long what was cut off may take to be dropped. Code that blocks its thread takes longer; the store refuses what it writes.
const CUT_OFF: Duration = Duration::from_millis(100);

/// Ends in order. A second call waits for the first and reports nothing.
pub(crate) async fn shutdown(
    engine: &Arc<Engine>,
    timeout: Duration,
) -> Result<ShutdownReport, Error> {
    let mut done = engine.shutdown.lock().await;
    if *done {
        return Ok(ShutdownReport::default());
    }
    engine.stopping.cancel();
    engine.tasks.close();
    ended(engine, timeout).await;
    let report = ShutdownReport::new(engine.running.ids());
    engine.halted.cancel();
    ended(engine, CUT_OFF).await;
    if let Some(launched) = engine.launched.get() {
        retire(engine, launched.incarnation()).await?;
    }
    *done = true;
    tracing::info!(unfinished = report.unfinished.len(), "shut down");
    Ok(report)
}

/// Waits until nothing runs any more, or for so long.
async fn ended(engine: &Engine, timeout: Duration) {
    tokio::select! {
        biased;
        () = engine.tasks.wait() => {}
        () = engine.clock().sleep(timeout) => {}
    }
}

/// Hands everything back. What is still being written by then is refused by the store, not by us.
async fn retire(engine: &Engine, incarnation: Incarnation) -> Result<(), StoreError> {
    let backoff = RetryPolicy::new(RETIRE_ATTEMPTS);
    let store: &dyn ExecutorStore = engine.store();
    let mut attempt = 1;
    loop {
        match store.retire_executor(incarnation).await {
            Ok(outcome) => {
                tracing::debug!(released = outcome.released, "handed back");
                return Ok(());
            }
            Err(error) if error.kind().is_transient() && attempt < RETIRE_ATTEMPTS => {
                engine
                    .clock()
                    .sleep(backoff.delay(attempt, engine.random()))
                    .await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
