use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use durable_api::{Result, Value};
use durable_engine::{Attempt, Interceptor, Wait};
use futures::future::BoxFuture;
use tokio::sync::watch;

use super::mocks::Mocks;
use crate::faults::Activity;

/// Stands around the bodies of all steps, and knows what workflows wait for.
pub(super) struct Steps {
    pub(super) mocks: Mocks,
    pub(super) activity: Arc<Activity>,
    attempts: Mutex<HashMap<String, u32>>,
    /// The bodies that run, and the waits, as long as they last.
    bodies: Ledger<(String, String)>,
    waits: Ledger<(String, Wait)>,
}

impl Steps {
    pub(super) fn new(activity: Arc<Activity>) -> Self {
        Self {
            mocks: Mocks::default(),
            activity,
            attempts: Mutex::default(),
            bodies: Ledger::default(),
            waits: Ledger::default(),
        }
    }

    /// How often steps of a name were attempted.
    pub(super) fn attempts(&self, step: &str) -> u32 {
        lock(&self.attempts).get(step).copied().unwrap_or(0)
    }

    /// Whether a workflow waits for something.
    pub(super) fn waits(&self, workflow_id: &str, like: impl Fn(&Wait) -> bool) -> bool {
        let entries = lock(&self.waits.0.entries);
        let mut waits = entries.values();
        waits.any(|(id, wait)| id == workflow_id && like(wait))
    }

    /// Completes when the workflow waits for something.
    pub(super) async fn until_waits(&self, workflow_id: &str, like: impl Fn(&Wait) -> bool) {
        let mut changed = self.waits.0.changed.subscribe();
        while !self.waits(workflow_id, &like) {
            let _ = changed.changed().await;
        }
    }

    /// What runs and what is waited for, in words.
    pub(super) fn describe(&self) -> String {
        let mut lines = Vec::new();
        for (id, step) in lock(&self.bodies.0.entries).values() {
            lines.push(format!("workflow `{id}` runs the body of step `{step}`"));
        }
        for (id, wait) in lock(&self.waits.0.entries).values() {
            lines.push(format!("workflow `{id}` waits for {wait:?}"));
        }
        if lines.is_empty() {
            lines.push("no workflow runs here".to_owned());
        }
        lines.join("; ")
    }
}

impl Interceptor for Steps {
    fn attempt<'a>(
        &'a self,
        attempt: Attempt<'a>,
        body: BoxFuture<'a, Result<Value>>,
    ) -> BoxFuture<'a, Result<Value>> {
        *lock(&self.attempts)
            .entry(attempt.step.to_owned())
            .or_default() += 1;
        if let Some(reaction) = self.mocks.react(attempt.step) {
            return reaction;
        }
        let names = (attempt.workflow_id.to_owned(), attempt.step.to_owned());
        Box::pin(async move {
            let _busy = self.activity.begin();
            let _running = self.bodies.enter(names);
            body.await
        })
    }

    fn waits(&self, workflow_id: &str, wait: Wait) -> Box<dyn Any + Send> {
        Box::new(self.waits.enter((workflow_id.to_owned(), wait)))
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps").finish_non_exhaustive()
    }
}

/// What goes on now.
struct Ledger<T>(Arc<Entries<T>>);

struct Entries<T> {
    next: AtomicU64,
    entries: Mutex<BTreeMap<u64, T>>,
    changed: watch::Sender<()>,
}

impl<T> Ledger<T> {
    fn enter(&self, entry: T) -> Entered<T> {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.0.entries).insert(number, entry);
        self.0.changed.send_replace(());
        Entered {
            entries: Arc::clone(&self.0),
            number,
        }
    }
}

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self(Arc::new(Entries {
            next: AtomicU64::new(0),
            entries: Mutex::default(),
            changed: watch::Sender::new(()),
        }))
    }
}

struct Entered<T> {
    entries: Arc<Entries<T>>,
    number: u64,
}

impl<T> Drop for Entered<T> {
    fn drop(&mut self) {
        lock(&self.entries.entries).remove(&self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
