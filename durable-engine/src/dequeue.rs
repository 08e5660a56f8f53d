//! Takes workflows from queues.
use std::sync::{Arc, Weak, atomic::Ordering};

use durable_api::{
    Error, Timestamp,
    store::{DequeueWorkflows, QueueStore},
};
use tokio::sync::watch;

use crate::{
    engine::{Engine, Launched},
    observe,
    outage::Patience,
    takeover::begin_claimed,
};

/// How many workflows are taken at a time.
const BITE: usize = 250;

/// Starts the loop.
pub(crate) fn start(engine: &Arc<Engine>) {
    let enqueued = engine.wakeups.listen_enqueued();
    engine.spawn_loop(run(Arc::downgrade(engine), enqueued));
}

/// Takes what there is, and then waits: for a hint, for room, for a rate limit to let the next one start, or for the next round.
async fn run(weak: Weak<Engine>, mut enqueued: watch::Receiver<()>) {
    loop {
        let Some(engine) = weak.upgrade() else { return };
        let Some(launched) = engine.launched.get() else {
            return;
        };
        enqueued.mark_unchanged();
        let due = match take(&engine, launched).await {
            Ok(Taken::More) => continue,
            Ok(Taken::All { retry_at }) => {
                retry_at.map(|at: Timestamp| at.saturating_duration_since(engine.now()))
            }
            Err(error) => {
                tracing::error!(%error, "taking workflows from queues failed");
                None
            }
        };
        let pause = engine.clock().pause(engine.config.queue_interval, due);
        tokio::select! {
            biased;
            () = pause => {}
            () = engine.queues.changed() => {}
            Ok(()) = enqueued.changed() => {}
        }
    }
}

/// What there may be besides.
enum Taken {
    /// As much as was asked for, so that there may be more.
    More,
    /// All that may run now.
    All {
        /// When a rate limit lets the next one start.
        retry_at: Option<Timestamp>,
    },
}

async fn take(engine: &Arc<Engine>, launched: &Launched) -> Result<Taken, Error> {
    let limit = engine.queues.room().min(BITE);
    let queues = engine.queues.serving();
    if limit == 0 || queues.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Taken::All { retry_at: None });
    }
    let mut request = DequeueWorkflows::new(
        &engine.config.app,
        &launched.version,
        launched.registry.claimable(),
        engine.next_owner(launched),
        engine.now(),
    );
    request.unversioned = launched.runs_latest.load(Ordering::Relaxed);
    request.queues = queues;
    request.executor_id.clone_from(&launched.executor_id);
    request.limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let owner = request.owner;
    let store: &dyn QueueStore = engine.store();
    let answer = engine
        .persist("dequeue_workflows", Patience::Transient, || {
            // Rates and deadlines count from when it is taken, not from when the store went away.
            let mut request = request.clone();
            request.now = engine.now();
            store.dequeue_workflows(request)
        })
        .await?;
    for damaged in &answer.damaged {
        tracing::error!(
            workflow_id = damaged.workflow_id,
            reason = damaged.reason,
            "cannot be taken from its queue: its row is damaged"
        );
    }
    if !answer.taken.is_empty() {
        observe::workflows_dequeued(answer.taken.len());
    }
    for workflow in answer.taken {
        begin_claimed(
            engine,
            launched,
            owner,
            workflow,
            Some(engine.queues.slot()),
        );
    }
    Ok(if answer.more {
        Taken::More
    } else {
        Taken::All {
            retry_at: answer.retry_at,
        }
    })
}
