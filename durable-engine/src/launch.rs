use std::sync::Arc;

use durable_api::{
    Error,
    store::{Incarnation, RegisterVersion},
};

use crate::{
    delayed, dequeue,
    engine::{Engine, Launched},
    membership,
    registry::Registry,
    schedules,
    startup::phase,
    takeover, wakeups,
};

/// Registers version and executor, starts the loops, and recovers what was left behind. If the
/// store refuses the registration, launch may be tried again.
pub(crate) async fn launch(engine: &Arc<Engine>) -> Result<(), Error> {
    engine.check_runs_code("launch")?;
    // A shutdown waits until there is something to shut down.
    let _launching = engine.shutdown.lock().await;
    let settled = settle(engine, take_registry(engine)?);
    if let Err(error) = register(engine, &settled).await {
        *engine.lock_registering() = Some(settled.registry);
        return Err(error);
    }
    let launched = engine.launched.get_or_init(|| settled);
    tracing::info!(
        app = engine.config.app,
        version = launched.version,
        executor_id = launched.executor_id,
        "launched"
    );
    wakeups::start(engine, &launched.runtime);
    membership::start(engine);
    takeover::start(engine, launched).await;
    dequeue::start(engine);
    delayed::start(engine);
    schedules::start(engine);
    Ok(())
}

/// Ends registration. A second launch, or one after a shutdown, is refused here.
fn take_registry(engine: &Engine) -> Result<Registry, Error> {
    let operation = "launch";
    let mut registering = engine.lock_registering();
    if engine.stopping.is_cancelled() {
        return Err(Error::ShutDown { operation });
    }
    registering
        .take()
        .ok_or(Error::AlreadyLaunched { operation })
}

fn settle(engine: &Engine, registry: Registry) -> Launched {
    let config = &engine.config;
    let version = config.app_version.clone();
    let executor_id = config.executor_id.clone();
    let version = version.unwrap_or_else(|| registry.fingerprint());
    let executor_id = executor_id.unwrap_or_else(|| config.ids.next_id().to_string());
    Launched::new(
        registry,
        version,
        executor_id,
        Incarnation(config.ids.next_id()),
    )
}

async fn register(engine: &Engine, settled: &Launched) -> Result<(), Error> {
    let (config, store) = (&engine.config, engine.store());
    let version = RegisterVersion::new(&config.app, &settled.version, engine.now());
    phase(config, "register", store.register_version(version)).await?;
    let executor = membership::registration(engine, settled, settled.incarnation());
    let registered = phase(config, "register", store.register_executor(executor)).await?;
    if !registered.superseded.is_empty() {
        tracing::info!(
            executor_id = settled.executor_id,
            "takes over from an earlier process of the same executor id"
        );
    }
    Ok(())
}
