use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use durable_api::{
    CancellationToken, Clock, Encoding, Error, Payload, Registration, SystemStore, Timestamp,
    store::{Incarnation, Owner},
};
use tokio::runtime::Handle as Runtime;
use tokio_util::task::TaskTracker;

use crate::{
    clock::fraction, config::Config, outage::Outage, process::ProcessIdentity, queues::Queues,
    registry::Registry, running::RunningWorkflows, wakeups::Wakeups,
};

/// Everything that one context and its executions share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) config: Config,
    /// What is registered so far; launch takes it.
    pub(crate) registering: Mutex<Option<Registry>>,
    /// What launch made; absent before.
    pub(crate) launched: OnceLock<Launched>,
    /// Executions and loops.
    pub(crate) tasks: TaskTracker,
    pub(crate) running: RunningWorkflows,
    pub(crate) wakeups: Wakeups,
    pub(crate) queues: Queues,
    /// Fires when another process has this executor's id: no more work is taken up.
    pub(crate) superseded: CancellationToken,
    /// Wakes the loop over the schedules.
    pub(crate) schedules_changed: tokio::sync::Notify,
    /// Fires when shutdown begins: no new work, and waits end.
    pub(crate) stopping: CancellationToken,
    /// Fires when shutdown's time is up: nothing goes on.
    pub(crate) halted: CancellationToken,
    pub(crate) outage: Outage,
    pub(crate) shutdown: tokio::sync::Mutex<bool>,
    next_execution: AtomicU64,
    pub(crate) this: Weak<Self>,
}

impl Launched {
    pub(crate) fn new(
        registry: Registry,
        version: String,
        executor_id: String,
        incarnation: Incarnation,
    ) -> Self {
        Self {
            registry,
            version,
            executor_id,
            incarnation: RwLock::new(incarnation),
            rejoining: tokio::sync::Mutex::default(),
            identity: ProcessIdentity::current(),
            runs_latest: AtomicBool::new(false),
            runtime: Runtime::current(),
        }
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        *self
            .incarnation
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_incarnation(&self, fresh: Incarnation) {
        *self
            .incarnation
            .write()
            .unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

/// What listens for the store's hints goes with the engine.
impl Drop for Engine {
    fn drop(&mut self) {
        self.halted.cancel();
    }
}

/// What is settled by launch.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) registry: Registry,
    pub(crate) version: String,
    pub(crate) executor_id: String,
    /// Its present life; a new one after each time that it was taken for dead.
    incarnation: RwLock<Incarnation>,
    /// Held while it joins again.
    pub(crate) rejoining: tokio::sync::Mutex<()>,
    pub(crate) identity: ProcessIdentity,
    /// Whether unversioned work is this executor's as well; looked up now and then.
    pub(crate) runs_latest: AtomicBool,
    /// Where executions run, whoever starts them.
    pub(crate) runtime: Runtime,
}

impl Engine {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let queues = Queues::new(&config);
        Arc::new_cyclic(|this| Self {
            config,
            registering: Mutex::new(Some(Registry::default())),
            launched: OnceLock::new(),
            tasks: TaskTracker::new(),
            running: RunningWorkflows::default(),
            wakeups: Wakeups::default(),
            queues,
            superseded: CancellationToken::new(),
            schedules_changed: tokio::sync::Notify::new(),
            stopping: CancellationToken::new(),
            halted: CancellationToken::new(),
            outage: Outage::default(),
            shutdown: tokio::sync::Mutex::new(false),
            next_execution: AtomicU64::new(1),
            this: Weak::clone(this),
        })
    }

    /// Runs a loop in the background until shutdown begins, or this executor is superseded.
    pub(crate) fn spawn_loop(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        let superseded = self.superseded.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                () = superseded.cancelled() => {}
                () = work => {}
            }
        });
    }

    pub(crate) fn store(&self) -> &dyn SystemStore {
        &*self.config.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.config.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    /// The id of a workflow that was given none.
    pub(crate) fn new_workflow_id(&self) -> String {
        self.config.ids.next_workflow_id(self.now()).to_string()
    }

    /// A number between 0 and 1.
    pub(crate) fn random(&self) -> f64 {
        fraction(&*self.config.ids)
    }

    /// The trace that the running code belongs to, if traces are carried.
    pub(crate) fn current_trace(&self) -> Option<String> {
        self.config.traces.as_ref()?.current()
    }

    /// Registers a workflow, before launch.
    pub(crate) fn register(&self, registration: Registration) -> Result<(), Error> {
        let operation = "register_workflow";
        self.check_runs_code(operation)?;
        let mut registering = self.lock_registering();
        if self.stopping.is_cancelled() {
            return Err(Error::ShutDown { operation });
        }
        match &mut *registering {
            Some(registry) => registry.add(registration),
            None => Err(Error::AlreadyLaunched { operation }),
        }
    }

    /// The names of the registered workflows, in order.
    pub(crate) fn registered(&self) -> Vec<String> {
        match self.launched.get() {
            Some(launched) => launched.registry.names(),
            None => self
                .lock_registering()
                .as_ref()
                .map(Registry::names)
                .unwrap_or_default(),
        }
    }

    /// A copy of the registry, before launch and after.
    pub(crate) fn registry(&self, operation: &'static str) -> Result<Registry, Error> {
        if let Some(launched) = self.launched.get() {
            return Ok(launched.registry.clone());
        }
        let registering = self.lock_registering();
        registering.clone().ok_or(Error::NotLaunched { operation })
    }

    /// Refuses what a client cannot do.
    pub(crate) fn check_runs_code(&self, operation: &'static str) -> Result<(), Error> {
        if self.config.client {
            return Err(Error::Unsupported(format!(
                "`{operation}` on a client, which runs no code; make a context by `new_context`"
            )));
        }
        Ok(())
    }

    pub(crate) fn lock_registering(&self) -> MutexGuard<'_, Option<Registry>> {
        self.registering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What launch made, or why `operation` is not possible.
    pub(crate) fn launched(&self, operation: &'static str) -> Result<&Launched, Error> {
        self.launched.get().ok_or(Error::NotLaunched { operation })
    }

    /// The token of a new execution of this executor.
    pub(crate) fn next_owner(&self, launched: &Launched) -> Owner {
        let execution = self.next_execution.fetch_add(1, Ordering::Relaxed);
        Owner::new(launched.incarnation(), execution)
    }

    /// The encoding that a workflow's values get from now on.
    pub(crate) fn encoding(&self, registration: &Registration) -> Encoding {
        registration.encoding.unwrap_or(self.config.encoding)
    }

    /// Refuses a payload that is too large. `what` names it.
    pub(crate) fn check_size(
        &self,
        payload: &Payload,
        what: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let (size, limit) = (payload.bytes.len(), self.config.payload_limit);
        if size <= limit {
            return Ok(());
        }
        Err(Error::PayloadTooLarge {
            what: what(),
            size,
            limit,
        })
    }
}
