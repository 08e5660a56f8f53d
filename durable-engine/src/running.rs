use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use durable_api::{
    Error, Execution,
    store::{Outcome, Wakeup},
};
use tokio::sync::Notify;

/// How an execution ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// Its outcome is recorded.
    Recorded(Outcome),
    /// It ended without an outcome; the workflow is recovered later.
    Interrupted(Error),
    /// It lost the workflow: the store knows what became of it.
    Elsewhere,
}

/// An execution in this process, as others see it.
#[derive(Debug)]
pub(crate) struct Running {
    execution: Arc<Execution>,
    ended: OnceLock<Ended>,
    /// Tells those who wait for the end, in the order in which they came.
    end: Notify,
    checking: AtomicBool,
}

impl Running {
    pub(crate) fn workflow_id(&self) -> &str {
        self.execution.workflow_id()
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) -> Ended {
        loop {
            let end = self.end.notified();
            if let Some(ended) = self.ended.get() {
                return ended.clone();
            }
            end.await;
        }
    }

    /// Completes when the execution has lost its workflow for good, though its code may still run: the store knows better from then on.
    pub(crate) async fn lost(&self) {
        self.execution.cancellation().cancelled().await;
        let lost = matches!(
            self.execution.interruption(),
            Some(Error::Cancelled { .. } | Error::NotOwner { .. })
        );
        if !lost {
            std::future::pending::<()>().await;
        }
    }

    /// Signals the execution to stop: its durable calls answer with `reason`, and there is no outcome.
    pub(crate) fn stop(&self, reason: Error) {
        self.execution.interrupt(reason);
        self.execution.cancellation().cancel();
    }

    /// Whether the caller is the one to check on it.
    pub(crate) fn begin_check(&self) -> bool {
        !self.checking.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn end_check(&self) {
        self.checking.store(false, Ordering::Release);
    }
}

/// The executions in this process, by the [key](Wakeup::key) of their workflow's id.
#[derive(Debug, Default)]
pub(crate) struct RunningWorkflows(Mutex<BTreeMap<u64, Vec<Arc<Running>>>>);

impl RunningWorkflows {
    /// Adds an execution, in the place of an earlier one of the same workflow.
    pub(crate) fn begin(&self, execution: &Arc<Execution>) -> Arc<Running> {
        let running = Arc::new(Running {
            execution: Arc::clone(execution),
            ended: OnceLock::new(),
            end: Notify::new(),
            checking: AtomicBool::new(false),
        });
        let key = Wakeup::key(running.workflow_id());
        let mut map = self.lock();
        let same_key = map.entry(key).or_default();
        same_key.retain(|other| other.workflow_id() != running.workflow_id());
        same_key.push(Arc::clone(&running));
        running
    }

    /// Removes an execution and tells those who wait for it.
    pub(crate) fn end(&self, running: &Arc<Running>, ended: Ended) {
        let key = Wakeup::key(running.workflow_id());
        let mut map = self.lock();
        if let Some(same_key) = map.get_mut(&key) {
            same_key.retain(|other| !Arc::ptr_eq(other, running));
            if same_key.is_empty() {
                map.remove(&key);
            }
        }
        drop(map);
        // It ends once.
        let _ = running.ended.set(ended);
        running.end.notify_waiters();
    }

    pub(crate) fn get(&self, workflow_id: &str) -> Option<Arc<Running>> {
        self.by_key(Wakeup::key(workflow_id))
            .into_iter()
            .find(|running| running.workflow_id() == workflow_id)
    }

    /// The executions whose workflows a hint may be about.
    pub(crate) fn by_key(&self, key: u64) -> Vec<Arc<Running>> {
        self.lock().get(&key).cloned().unwrap_or_default()
    }

    /// The ids of all workflows that run here, sorted.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self
            .all()
            .iter()
            .map(|running| running.workflow_id().to_owned())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// The executions there are now. Who asks the store about workflows takes them first: an execution that begins
    /// after the question is not what the answer is about.
    pub(crate) fn all(&self) -> Vec<Arc<Running>> {
        self.lock().values().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<Arc<Running>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
