//! Waking those who wait, by the store's hints.
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use durable_api::store::{Wakeup, WakeupStore};
use futures::StreamExt as _;
use tokio::{
    runtime::Handle as Runtime,
    sync::{Notify, futures::OwnedNotified, watch},
};

use crate::engine::Engine;

/// Who waits for what.
#[derive(Debug, Default)]
pub(crate) struct Wakeups {
    /// In order, and each waking in the order in which they came: the same hints make the same program.
    workflows: Mutex<BTreeMap<u64, Arc<Notify>>>,
    claimable: watch::Sender<()>,
    enqueued: watch::Sender<()>,
    /// Whether the store's hints are passed on.
    relaying: AtomicBool,
}

impl Wakeups {
    /// Listens for changes of a workflow from now on. Look after this call, and again after each wake-up.
    pub(crate) fn listen(&self, workflow_id: &str) -> Listener<'_> {
        let key = Wakeup::key(workflow_id);
        let notify = Arc::clone(self.lock().entry(key).or_default());
        let hint = Box::pin(Arc::clone(&notify).notified_owned());
        Listener {
            wakeups: self,
            key,
            ears: Some((notify, hint)),
        }
    }

    /// Listens for workflows to claim.
    pub(crate) fn listen_claimable(&self) -> watch::Receiver<()> {
        self.claimable.subscribe()
    }

    /// Listens for workflows to take from queues.
    pub(crate) fn listen_enqueued(&self) -> watch::Receiver<()> {
        self.enqueued.subscribe()
    }

    /// Wakes all who wait for a workflow.
    fn wake_waiting(&self) {
        for waiting in self.lock().values() {
            waiting.notify_waiters();
        }
    }

    fn wake(&self, hint: Wakeup) {
        match hint {
            Wakeup::Workflow(key) => {
                if let Some(waiting) = self.lock().get(&key) {
                    waiting.notify_waiters();
                }
            }
            Wakeup::Claimable => {
                self.claimable.send_replace(());
            }
            Wakeup::Enqueued => {
                self.enqueued.send_replace(());
            }
            // A hint of a later version may mean anything.
            _ => {
                self.wake_waiting();
                self.claimable.send_replace(());
                self.enqueued.send_replace(());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Notify>>> {
        self.workflows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits for a workflow to change.
pub(crate) struct Listener<'w> {
    wakeups: &'w Wakeups,
    key: u64,
    /// There until it is dropped.
    ears: Option<(Arc<Notify>, Pin<Box<OwnedNotified>>)>,
}

impl Listener<'_> {
    /// Completes at the next hint since the last.
    pub(crate) async fn woken(&mut self) {
        match &mut self.ears {
            Some((notify, hint)) => {
                hint.as_mut().await;
                // Hints from here on count as the next, also while nobody waits.
                hint.set(Arc::clone(notify).notified_owned());
            }
            None => std::future::pending().await,
        }
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        self.ears = None;
        let mut workflows = self.wakeups.lock();
        if workflows
            .get(&self.key)
            .is_some_and(|waiting| Arc::strong_count(waiting) == 1)
        {
            workflows.remove(&self.key);
        }
    }
}

/// How long to leave a store alone that gave up its hints.
const RESUBSCRIBE: Duration = Duration::from_secs(1);

/// Passes the store's hints on, until the engine halts or is gone, unless that is done already: from launch on, or from the first wait on a
/// context that is not launched. A shutdown does not wait for this task: those that it waits for may need the hints.
pub(crate) fn start(engine: &Engine, runtime: &Runtime) {
    let relaying = &engine.wakeups.relaying;
    // A load first: the common case must not write to a shared cache line.
    if relaying.load(Ordering::Relaxed) || relaying.swap(true, Ordering::Relaxed) {
        return;
    }
    let halted = engine.halted.clone();
    let relay = relay(Weak::clone(&engine.this));
    runtime.spawn(async move {
        tokio::select! {
            biased;
            () = halted.cancelled() => {}
            () = relay => {}
        }
    });
}

async fn relay(weak: Weak<Engine>) {
    loop {
        let Some(engine) = weak.upgrade() else { return };
        let store = Arc::clone(&engine.config.store);
        let clock = Arc::clone(&engine.config.clock);
        drop(engine);
        let subscriber: &dyn WakeupStore = &*store;
        match subscriber.subscribe().await {
            Ok(hints) => {
                let mut hints = hints.into_stream();
                // Whoever looked before now may have missed one.
                if let Some(engine) = weak.upgrade() {
                    engine.wakeups.wake_waiting();
                }
                let mut any = false;
                while let Some(hint) = hints.next().await {
                    any = true;
                    let Some(engine) = weak.upgrade() else { return };
                    engine.wakeups.wake(hint);
                    engine.look_after(hint);
                }
                if !any {
                    // A store without hints: those who wait poll.
                    return;
                }
            }
            Err(error) => tracing::debug!(%error, "no wake-ups from the store; waits poll"),
        }
        clock.sleep(RESUBSCRIBE).await;
        let Some(engine) = weak.upgrade() else { return };
        engine.wakeups.wake(Wakeup::Everything);
    }
}
