use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable_api::{Error, store::Outcome};
use tokio::sync::watch;

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

/// An execution in this process, as its handles see it.
#[derive(Debug)]
pub(crate) struct Running {
    ended: watch::Sender<Option<Ended>>,
}

impl Running {
    /// Waits for the end.
    pub(crate) async fn ended(&self) -> Ended {
        let mut receiver = self.ended.subscribe();
        match receiver.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Ended::Elsewhere),
            Err(_) => Ended::Elsewhere,
        }
    }
}

/// The executions in this process, by workflow id.
#[derive(Debug, Default)]
pub(crate) struct RunningWorkflows(Mutex<HashMap<String, Arc<Running>>>);

impl RunningWorkflows {
    /// Adds an execution, in the place of an earlier one of the same workflow.
    pub(crate) fn begin(&self, workflow_id: &str) -> Arc<Running> {
        let running = Arc::new(Running {
            ended: watch::Sender::new(None),
        });
        self.lock()
            .insert(workflow_id.to_owned(), Arc::clone(&running));
        running
    }

    /// Removes an execution and tells those who wait for it.
    pub(crate) fn end(&self, workflow_id: &str, running: &Arc<Running>, ended: Ended) {
        let mut map = self.lock();
        if map
            .get(workflow_id)
            .is_some_and(|current| Arc::ptr_eq(current, running))
        {
            map.remove(workflow_id);
        }
        drop(map);
        running.ended.send_replace(Some(ended));
    }

    pub(crate) fn get(&self, workflow_id: &str) -> Option<Arc<Running>> {
        self.lock().get(workflow_id).cloned()
    }

    /// The ids of all workflows that run here, sorted.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self.lock().keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
