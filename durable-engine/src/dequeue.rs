//! Takes workflows from queues.
use std::sync::{Arc, Weak, atomic::Ordering};

use durable_api::{
    Error, Timestamp,
    store::{DequeueWorkflows, QueueStore},
};
use tokio::sync::watch;

use crate::{
    asking::{Asking, Given},
    engine::{Engine, Launched},
    observe,
    takeover::begin_claimed,
};

/// How many workflows are taken at a time.
const BITE: usize = 250;

/// Starts the loop.
pub(crate) fn start(engine: &Arc<Engine>) {
    let enqueued = engine.wakeups.listen_enqueued();
    engine.spawn_loop(run(Arc::downgrade(engine), enqueued));
}

/// Takes what there is, and then waits: for a hint, for another to end if that is in the way, for a rate limit to let the next one start, or for the
/// next round.
async fn run(weak: Weak<Engine>, mut enqueued: watch::Receiver<()>) {
    let mut asking = Asking::default();
    loop {
        let Some(engine) = weak.upgrade() else { return };
        let Some(launched) = engine.launched.get() else {
            return;
        };
        enqueued.mark_unchanged();
        let (is_held, due) = match take(&engine, launched, &mut asking).await {
            Ok(Taken::More) => continue,
            Ok(Taken::All { is_held, retry_at }) => {
                let due = |at: Timestamp| at.saturating_duration_since(engine.now());
                (is_held, retry_at.map(due))
            }
            Err(error) => {
                tracing::error!(%error, "taking workflows from queues failed");
                (true, None)
            }
        };
        let pause = engine.clock().pause(engine.config.queue_interval, due);
        tokio::select! {
            biased;
            () = pause => {}
            () = engine.queues.changed() => {}
            () = engine.queues.freed(), if is_held => {}
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
        /// Whether more may run when another ends.
        is_held: bool,
        /// When a rate limit lets the next one start.
        retry_at: Option<Timestamp>,
    },
}

async fn take(
    engine: &Arc<Engine>,
    launched: &Launched,
    asking: &mut Asking,
) -> Result<Taken, Error> {
    let limit = engine.queues.room().min(BITE);
    let queues = engine.queues.serving();
    if limit == 0 || queues.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Taken::All {
            is_held: limit == 0,
            retry_at: None,
        });
    }
    let store: &dyn QueueStore = engine.store();
    let dequeue = |owner| {
        let mut request = DequeueWorkflows::new(
            &engine.config.app,
            &launched.version,
            launched.registry.claimable(),
            owner,
            // Rates and deadlines count from when it is taken, not from when the store went away.
            engine.now(),
        );
        request.unversioned = launched.runs_latest.load(Ordering::Relaxed);
        request.queues.clone_from(&queues);
        request.executor_id.clone_from(&launched.executor_id);
        request.limit = u32::try_from(limit).unwrap_or(u32::MAX);
        store.dequeue_workflows(request)
    };
    let Given {
        owner,
        answer,
        is_repeated,
    } = asking
        .ask(engine, launched, "dequeue_workflows", dequeue)
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
    Ok(if answer.more || is_repeated {
        Taken::More
    } else {
        Taken::All {
            is_held: answer.held,
            retry_at: answer.retry_at,
        }
    })
}
