//! Lets delayed workflows enter their queues when they are due.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use durable_api::{
    Error,
    store::{QueueStore, ReleaseDelayed},
};

use crate::{engine::Engine, outage::Patience};

/// At most so often, however many hints there are.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

/// Starts the loop.
pub(crate) fn start(engine: &Arc<Engine>) {
    engine.spawn_loop(run(Arc::downgrade(engine)));
}

async fn run(weak: Weak<Engine>) {
    loop {
        let Some(engine) = weak.upgrade() else { return };
        let next = match release(&engine).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "releasing delayed workflows failed");
                None
            }
        };
        // Another process may have delayed one that is due earlier.
        let interval = engine.config.queue_interval;
        let pause = engine.clock().pause(interval, next);
        tokio::select! {
            biased;
            () = pause => {}
            () = engine.queues.delayed() => {
                let longest = next.map_or(interval, |next| next.min(interval));
                engine.clock().sleep(LEAST_PAUSE.min(longest)).await;
            }
        }
    }
}

/// Releases what is due, and returns how long the next takes, if there is one.
async fn release(engine: &Engine) -> Result<Option<Duration>, Error> {
    let store: &dyn QueueStore = engine.store();
    loop {
        let request = ReleaseDelayed::new(&engine.config.app, engine.now());
        let outcome = engine
            .persist("release_delayed", Patience::Transient, || {
                store.release_delayed(request.clone())
            })
            .await?;
        match outcome.next {
            None => return Ok(None),
            Some(next) => {
                let left = next.saturating_duration_since(engine.now());
                if !left.is_zero() {
                    return Ok(Some(left));
                }
            }
        }
        if outcome.released == 0 {
            // Due by now, but not when it was asked.
            return Ok(Some(Duration::from_millis(1)));
        }
    }
}
