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

use super::mocks::{Mocks, Reaction};
use crate::FaultyStore;

/// Stands around the bodies of all steps, and knows what workflows wait for.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) mocks: Mocks,
    attempts: Mutex<HashMap<String, u32>>,
    /// The bodies that run, and the waits, as long as they last.
    bodies: Ledger<(String, String)>,
    waits: Ledger<(String, Wait)>,
}

impl Steps {
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

/// The steps of one engine. While that is stopped, its bodies keep nobody waiting.
#[derive(Debug)]
pub(super) struct StepsOfLife {
    pub(super) steps: Arc<Steps>,
    pub(super) link: FaultyStore,
}

impl Interceptor for StepsOfLife {
    fn attempt<'a>(
        &'a self,
        attempt: Attempt<'a>,
        body: BoxFuture<'a, Result<Value>>,
    ) -> BoxFuture<'a, Result<Value>> {
        let Steps {
            mocks,
            attempts,
            bodies,
            ..
        } = &*self.steps;
        *lock(attempts).entry(attempt.step.to_owned()).or_default() += 1;
        let body = match mocks.react(attempt.step) {
            Reaction::Runs => body,
            Reaction::RunsInstead(other) => other,
            Reaction::Hangs => return Box::pin(std::future::pending()),
        };
        let names = (attempt.workflow_id.to_owned(), attempt.step.to_owned());
        Box::pin(async move {
            let _busy = self.link.hold();
            let _running = bodies.enter(names);
            body.await
        })
    }

    fn waits(&self, workflow_id: &str, wait: Wait) -> Box<dyn Any + Send> {
        Box::new(self.steps.waits.enter((workflow_id.to_owned(), wait)))
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
