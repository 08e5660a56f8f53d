//! What the cases have in common: contexts that stand for processes, counters, and gates.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use durable::{
    Config, Ctx, RegisterOptions, Result, SystemStore,
    store::{Payloads, WorkflowRecord},
};
use durable_testing::{Backend, Bench};
use futures::future::BoxFuture;
use tokio::sync::watch;

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration with short intervals.
pub(crate) fn config(store: Arc<dyn SystemStore>) -> Config {
    Config::new("app", store)
        .app_version("1")
        .takeover_interval(Duration::from_millis(50))
        .poll_interval(Duration::from_millis(20))
        .queue_interval(Duration::from_millis(20))
        .schedule_interval(Duration::from_millis(100))
        .heartbeat_interval(Duration::from_millis(50))
        // Nobody is to be taken for dead because the machine is busy.
        .lease(Duration::from_secs(60))
}

/// A launched context, with what `register` registers.
pub(crate) async fn launched(config: Config, register: impl FnOnce(&Ctx)) -> Ctx {
    let ctx = durable::new_context(config).await.expect("a context");
    register(&ctx);
    durable::launch(&ctx).await.expect("launches");
    ctx
}

/// A launched context over the namespace of the bench.
pub(crate) async fn process(bench: &Bench<'_, impl Backend>, register: impl FnOnce(&Ctx)) -> Ctx {
    launched(config(bench.open().await), register).await
}

/// A life of the executor `phoenix`: launching the next one is as if this one had died.
pub(crate) async fn life(bench: &Bench<'_, impl Backend>, register: impl FnOnce(&Ctx)) -> Ctx {
    launched(config(bench.open().await).executor_id("phoenix"), register).await
}

pub(crate) async fn stop(ctx: &Ctx) {
    durable::shutdown(ctx, Duration::ZERO)
        .await
        .expect("shuts down");
}

/// Registers a closure under a name.
pub(crate) fn register<W, I>(ctx: &Ctx, name: &str, workflow: &W)
where
    W: durable::Workflow<I, Output: durable::Durable> + Clone,
    I: durable::Durable,
{
    let named = RegisterOptions::new().named(name);
    durable::register_workflow_with(ctx, workflow.clone(), named).expect("registers");
}

/// The stored row of a workflow.
pub(crate) async fn row(bench: &Bench<'_, impl Backend>, id: &str) -> WorkflowRecord {
    let store = bench.open().await;
    let found = store.get_workflow(id, Payloads::Load).await;
    found.expect("reads").expect("exists")
}

/// The future of a workflow that is a closure.
pub(crate) type Flow<O> = BoxFuture<'static, Result<O>>;

/// Counts, and is shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU32>);

impl Counter {
    /// Counts one, and returns how many there were before.
    pub(crate) fn up(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until it has come to `count`.
    pub(crate) async fn reaches(&self, count: u32) {
        let reached = async {
            while self.get() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .unwrap_or_else(|_| panic!("the counter stays at {}", self.get()));
    }
}

/// Closed until it is opened; shared by its clones.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn close(&self) {
        self.0.send_replace(false);
    }

    pub(crate) async fn pass(&self) {
        let mut receiver = self.0.subscribe();
        let _ = receiver.wait_for(|open| *open).await;
    }
}

/// A workflow that only waits at a gate.
pub(crate) fn waiting(gate: &Gate) -> impl Fn(Ctx, ()) -> Flow<()> + Clone + Send + Sync + 'static {
    let gate = gate.clone();
    move |_, ()| {
        let gate = gate.clone();
        Box::pin(async move {
            gate.pass().await;
            Ok(())
        })
    }
}

/// A workflow whose one step waits at a gate, and counts when it gets there.
pub(crate) fn gated(
    arrived: &Counter,
    gate: &Gate,
) -> impl Fn(Ctx, ()) -> Flow<u32> + Clone + Send + Sync + 'static {
    let (arrived, gate) = (arrived.clone(), gate.clone());
    move |ctx, ()| {
        let (arrived, gate) = (arrived.clone(), gate.clone());
        Box::pin(async move {
            durable::run_as_step(&ctx, || async {
                arrived.up();
                gate.pass().await;
                Ok(7)
            })
            .named("gated")
            .await
        })
    }
}

/// What happened, in order; shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().expect("no panic").push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }
}
