//! Being an executor: registered, alive, and back again after it was taken for dead.
use std::sync::{Arc, Weak};

use durable_api::{
    Error,
    store::{ExecutorStore, HeartbeatOutcome, Incarnation, RegisterExecutor},
};

use crate::{
    cancellation::not_owner,
    engine::{Engine, Launched},
    observe,
    outage::Patience,
    process::ProcessIdentity,
};

/// What to register an executor with.
pub(crate) fn registration(
    engine: &Engine,
    launched: &Launched,
    incarnation: Incarnation,
) -> RegisterExecutor {
    let mut executor = RegisterExecutor::new(
        &engine.config.app,
        &launched.executor_id,
        incarnation,
        &launched.version,
        engine.now(),
    );
    let identity: &ProcessIdentity = &launched.identity;
    executor.host.clone_from(&identity.host);
    executor.process.clone_from(&identity.process);
    executor
}

/// Starts to beat.
pub(crate) fn start(engine: &Arc<Engine>) {
    engine.spawn_loop(beat(Arc::downgrade(engine)));
}

/// Beats at intervals, whatever else goes on, until the engine is gone or superseded.
async fn beat(weak: Weak<Engine>) {
    loop {
        let Some(pause) = weak
            .upgrade()
            .map(|engine| engine.clock().pause(engine.config.heartbeat_interval, None))
        else {
            return;
        };
        pause.await;
        let Some(engine) = weak.upgrade() else { return };
        let Some(launched) = engine.launched.get() else {
            return;
        };
        let incarnation = launched.incarnation();
        let store: &dyn ExecutorStore = engine.store();
        // Once, and again at the next interval: a pause that grows while the store is away may be longer than the lease when it is back.
        let answer = engine.ask("heartbeat", store.heartbeat(incarnation)).await;
        let lost = match answer {
            Ok(HeartbeatOutcome::Alive) => continue,
            Ok(HeartbeatOutcome::Unknown) => rejoin(&engine, launched, incarnation).await,
            Err(error) if error.kind().is_transient() => continue,
            Err(error) => Err(error.into()),
        };
        match lost {
            Ok(()) => {}
            Err(Error::Superseded { .. }) => return,
            Err(error) => tracing::error!(%error, "heartbeat failed"),
        }
    }
}

/// Joins again after `lost` was expelled: everything that it ran here stops, since it may go on elsewhere, and a fresh incarnation is registered.
///
/// # Errors
/// `Superseded` when another process has the executor id.
pub(crate) async fn rejoin(
    engine: &Engine,
    launched: &Launched,
    lost: Incarnation,
) -> Result<(), Error> {
    let _turn = launched.rejoining.lock().await;
    if launched.incarnation() != lost {
        return Ok(());
    }
    for running in engine.running.all() {
        running.stop(not_owner(running.workflow_id()));
    }
    let store: &dyn ExecutorStore = engine.store();
    let executors = engine
        .persist("list_executors", Patience::Transient, || {
            store.list_executors(&engine.config.app)
        })
        .await?;
    let same_id = |executor_id: &str| executor_id == launched.executor_id;
    if executors.iter().any(|other| same_id(&other.executor_id)) {
        let error = Error::Superseded {
            executor_id: launched.executor_id.clone(),
        };
        if !engine.superseded.is_cancelled() {
            tracing::error!(%error, "this executor takes up no more work");
            engine.superseded.cancel();
        }
        return Err(error);
    }
    if engine.stopping.is_cancelled() {
        let operation = "rejoining";
        return Err(Error::ShutDown { operation });
    }
    let fresh = Incarnation(engine.config.ids.next_id());
    let request = registration(engine, launched, fresh);
    engine
        .persist("register_executor", Patience::Transient, || {
            store.register_executor(request.clone())
        })
        .await?;
    launched.set_incarnation(fresh);
    observe::executor_rejoined();
    tracing::warn!(
        executor_id = launched.executor_id,
        "this executor was taken for dead and has joined again; what it ran may go on elsewhere"
    );
    Ok(())
}
