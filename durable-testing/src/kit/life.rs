use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use durable_api::{Clock as _, Ctx, Error, SystemStore};
use durable_engine::Config;

use super::{TestEnv, steps::StepsOfLife};
use crate::faults::FaultyStore;

/// The application of all engines.
pub(super) const APP: &str = "test";

/// An engine, and its link to the store.
pub(super) struct Life {
    pub(super) ctx: Ctx,
    pub(super) link: FaultyStore,
}

/// The engine that runs now, if one does.
#[derive(Default)]
pub(super) struct Lives {
    /// Held while one is launched.
    launched: tokio::sync::Mutex<Option<Arc<Life>>>,
    /// The same one, from before it is launched: also what is only being launched can die.
    newest: Mutex<Option<Arc<Life>>>,
    any: AtomicBool,
    executor: AtomicU32,
}

impl Lives {
    /// Whether there was an engine.
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }

    /// Engines from now on are another executor than those before.
    pub(super) fn change_executor(&self) {
        self.executor.fetch_add(1, Ordering::SeqCst);
    }

    fn newest(&self) -> MutexGuard<'_, Option<Arc<Life>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TestEnv {
    /// The engine that runs now; launched, if none does.
    pub(super) async fn life(&self) -> Result<Arc<Life>, Error> {
        self.life_on(|| self.link()).await
    }

    /// The engine that runs now; launched on a link to the store, if none does.
    pub(super) async fn life_on(
        &self,
        link: impl FnOnce() -> FaultyStore,
    ) -> Result<Arc<Life>, Error> {
        let mut launched = self.inner.lives.launched.lock().await;
        if let Some(life) = &*launched {
            return Ok(Arc::clone(life));
        }
        let life = Arc::new(self.prepare(link()).await?);
        *self.inner.lives.newest() = Some(Arc::clone(&life));
        durable_api::launch(&life.ctx).await?;
        *launched = Some(Arc::clone(&life));
        Ok(life)
    }

    /// A link to the store, whose calls time waits for.
    pub(super) fn link(&self) -> FaultyStore {
        FaultyStore::counted(Arc::clone(&self.inner.parts.store), &self.inner.activity)
    }

    /// The engine that runs now goes on, but is not the one that is used any more.
    pub(super) async fn set_aside(&self) -> Option<Arc<Life>> {
        *self.inner.lives.launched.lock().await = None;
        self.inner.lives.newest().take()
    }

    /// The engine that runs now dies.
    pub(super) async fn kill(&self) {
        let Some(life) = self.set_aside().await else {
            return;
        };
        life.link.kill();

        // Its end never reaches the store: what remains of it waits for an answer for ever.
        self.inner.world.leave(async move {
            let _ = durable_api::shutdown(&life.ctx, Duration::ZERO).await;
        });
        self.come_to(self.inner.clock.now()).await;
    }

    /// An engine that is not launched yet.
    async fn prepare(&self, link: FaultyStore) -> Result<Life, Error> {
        let inner = &self.inner;
        inner.lives.any.store(true, Ordering::SeqCst);
        let executor = inner.lives.executor.load(Ordering::SeqCst);
        let store: Arc<dyn SystemStore> = Arc::new(link.clone());
        let config = Config::new(APP, store).app_version("test");
        let config = (inner.parts.configure)(config)
            .executor_id(format!("executor-{executor}"))
            .lease(inner.parts.lease)
            .clock(Arc::new(inner.clock.clone()))
            .ids(Arc::clone(&inner.ids) as _)
            .interceptor(Arc::new(StepsOfLife {
                steps: Arc::clone(&inner.steps),
                link: link.clone(),
            }));
        let ctx = durable_engine::new_context(config).await?;
        let setups = self.setups().clone();
        for setup in setups {
            setup(&ctx)?;
        }
        Ok(Life { ctx, link })
    }
}
