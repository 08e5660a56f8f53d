//! Noticing that a workflow that runs here was cancelled, deleted or taken over.
use std::{collections::HashSet, sync::Arc};

use durable_api::{
    CancellationToken, Error, WorkflowStatus,
    store::{
        AdministrationStore, CancelExpired, CancelWorkflows, ManagementStore, Payloads, Wakeup,
        WorkflowFilter, WorkflowStore,
    },
};

use tokio::runtime::Handle as Runtime;

use crate::{engine::Engine, outage::Patience, running::Running};

/// How many workflows one question is about.
const CHUNK: usize = 500;

impl Engine {
    /// Looks whether a hint is about a workflow that runs here.
    pub(crate) fn look_after(self: &Arc<Self>, hint: Wakeup) {
        let Wakeup::Workflow(key) = hint else { return };
        for running in self.running.by_key(key) {
            if !running.begin_check() {
                continue;
            }
            let engine = Arc::clone(self);
            self.tasks.spawn(async move {
                // Hints that come from here on are looked after anew.
                running.end_check();
                engine.check(running.workflow_id(), &running).await;
            });
        }
    }

    /// Stops an execution whose workflow is not its own any more.
    async fn check(&self, id: &str, running: &Running) {
        let store: &dyn WorkflowStore = self.store();
        let found = self
            .persist("get_workflow", Patience::Transient, || {
                store.get_workflow(id, Payloads::Omit)
            })
            .await;
        match found {
            Ok(Some(record)) if record.status == WorkflowStatus::Cancelled => {
                running.stop(cancelled(id));
            }
            // A takeover is left to the fence: the execution finds out when it writes.
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => running.stop(not_owner(id)),
        }
    }

    /// Looks after every workflow that runs here: a hint may have been lost.
    pub(crate) async fn check_all(&self) -> Result<(), Error> {
        let store: &dyn AdministrationStore = self.store();
        for before in self.running.all().chunks(CHUNK) {
            let mut filter = WorkflowFilter::new()
                .status(WorkflowStatus::Cancelled)
                .limit(u32::try_from(CHUNK).unwrap_or(u32::MAX));
            filter.ids = before
                .iter()
                .map(|running| running.workflow_id().to_owned())
                .collect();
            let page = self
                .persist("list_workflows", Patience::Transient, || {
                    store.list_workflows(filter.clone())
                })
                .await?;
            let ids = page.workflows.iter().map(|record| record.id.as_str());
            stop(before, ids, cancelled);
        }
        Ok(())
    }

    /// Cancels what is over its deadline, wherever it runs.
    pub(crate) async fn expire(&self) -> Result<(), Error> {
        let store: &dyn ManagementStore = self.store();
        loop {
            let before = self.running.all();
            let request = CancelExpired::new(&self.config.app, self.now());
            let ids = self
                .persist("cancel_expired", Patience::Transient, || {
                    store.cancel_expired(request.clone())
                })
                .await?;
            stop(&before, ids.iter().map(String::as_str), cancelled);
            if ids.len() < request.limit as usize {
                return Ok(());
            }
        }
    }

    /// Cancels a workflow that runs here when the context that it was started with is cancelled.
    pub(crate) fn cancel_with(
        self: &Arc<Self>,
        running: Arc<Running>,
        cancellation: CancellationToken,
        runtime: &Runtime,
    ) {
        let engine = Arc::clone(self);
        let watch = async move {
            tokio::select! {
                biased;
                _ = running.ended() => {}
                () = cancellation.cancelled() => {
                    if let Err(error) = engine.cancel(running.workflow_id()).await {
                        tracing::warn!(%error, "could not cancel a workflow with its context");
                    }
                }
            }
        };
        self.tasks.spawn_on(watch, runtime);
    }

    /// Cancels one workflow.
    pub(crate) async fn cancel(&self, id: &str) -> Result<(), Error> {
        let store: &dyn ManagementStore = self.store();
        let before = self.running.all();
        let request = CancelWorkflows::new(vec![id.to_owned()], self.now());
        let outcome = self
            .persist("cancel_workflows", Patience::Mendable, || {
                store.cancel_workflows(request.clone())
            })
            .await?;
        stop(
            &before,
            outcome.changed.iter().map(String::as_str),
            cancelled,
        );
        Ok(())
    }
}

/// Stops those executions whose workflows the store named.
pub(crate) fn stop<'a>(
    executions: &[Arc<Running>],
    ids: impl IntoIterator<Item = &'a str>,
    reason: fn(&str) -> Error,
) {
    let ids: HashSet<_> = ids.into_iter().collect();
    if ids.is_empty() {
        return;
    }
    for running in executions {
        let id = running.workflow_id();
        if ids.contains(id) {
            running.stop(reason(id));
        }
    }
}

pub(crate) fn cancelled(id: &str) -> Error {
    Error::Cancelled {
        workflow_id: id.to_owned(),
    }
}

pub(crate) fn not_owner(id: &str) -> Error {
    Error::NotOwner {
        workflow_id: id.to_owned(),
    }
}
