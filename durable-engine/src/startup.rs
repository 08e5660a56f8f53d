use std::{future::Future, sync::Arc};

use durable_api::{Ctx, Error, store::StoreResult};

use crate::{config::Config, engine::Engine, root_context::RootContext};

/// Makes a root context: reaches the store, brings its schema up to date (unless [`Config::migrate`] says not to) and verifies it. Register
/// workflows next, then `launch`.
///
/// # Errors
/// [`Error::InvalidConfig`] and [`Error::InvalidName`] for the configuration; [`Error::Startup`], which
/// names the phase that failed and the store, without secrets.
pub async fn new_context(config: Config) -> Result<Ctx, Error> {
    let config = config.resolved()?;
    let store = Arc::clone(&config.store);
    phase(&config, "connect", store.ping()).await?;
    if config.migrate {
        phase(&config, "migrate", store.migrate()).await?;
    }
    phase(&config, "verify", store.verify()).await?;
    let description = store.describe();
    tracing::info!(
        app = config.app,
        backend = description.backend,
        location = description.location,
        durability = description.durability,
        "store is ready"
    );
    let engine = Engine::new(config);
    Ok(Ctx::root(Arc::new(RootContext::new(engine))))
}

/// Runs one phase of the start; an error says which it was.
pub(crate) async fn phase<T>(
    config: &Config,
    phase: &'static str,
    call: impl Future<Output = StoreResult<T>>,
) -> Result<T, Error> {
    call.await.map_err(|source| {
        let store = config.store.describe();
        Error::Startup {
            phase,
            store: format!("{} store at {}", store.backend, store.location),
            source,
        }
    })
}
