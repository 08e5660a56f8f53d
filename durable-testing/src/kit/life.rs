use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use durable_api::{Clock as _, Ctx, Error, SystemStore};
use durable_engine::Config;

use super::TestEnv;
use crate::faults::FaultyStore;

/// An engine, and its link to the store.
pub(super) struct Life {
    pub(super) ctx: Ctx,
    pub(super) link: FaultyStore,
}

/// The engine that runs now, if one does.
#[derive(Default)]
pub(super) struct Lives {
    current: tokio::sync::Mutex<Option<Arc<Life>>>,
    any: AtomicBool,
    executor: AtomicU32,
}

impl Lives {
    /// Whether there was an engine.
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }
}

impl TestEnv {
    /// The engine that runs now; launched, if none does.
    pub(super) async fn life(&self) -> Result<Arc<Life>, Error> {
        let mut current = self.inner.lives.current.lock().await;
        if let Some(life) = &*current {
            return Ok(Arc::clone(life));
        }
        let life = Arc::new(self.launch().await?);
        *current = Some(Arc::clone(&life));
        Ok(life)
    }

    /// An engine that is another executor than those before it.
    pub(super) async fn another_life(&self) -> Result<Arc<Life>, Error> {
        self.inner.lives.executor.fetch_add(1, Ordering::SeqCst);
        self.life().await
    }

    /// The engine that runs now goes on, but is not the one that is used any more.
    pub(super) async fn set_aside(&self) -> Option<Arc<Life>> {
        self.inner.lives.current.lock().await.take()
    }

    /// The engine that runs now dies.
    pub(super) async fn kill(&self) {
        let Some(life) = self.set_aside().await else {
            return;
        };
        life.link.kill();
        self.inner.activity.executors_changed();
        // Its end never reaches the store: what remains of it waits for an answer for ever.
        self.inner.world.leave(async move {
            let _ = durable_api::shutdown(&life.ctx, Duration::ZERO).await;
        });
        self.come_to(self.inner.clock.now()).await;
    }

    async fn launch(&self) -> Result<Life, Error> {
        let inner = &self.inner;
        inner.lives.any.store(true, Ordering::SeqCst);
        let executor = inner.lives.executor.load(Ordering::SeqCst);
        let link = FaultyStore::counted(Arc::clone(&inner.parts.store), &inner.activity);
        let store: Arc<dyn SystemStore> = Arc::new(link.clone());
        let config = Config::new("test", store).app_version("test");
        let config = (inner.parts.configure)(config)
            .executor_id(format!("executor-{executor}"))
            .lease(inner.parts.lease)
            .clock(Arc::new(inner.clock.clone()))
            .ids(Arc::clone(&inner.ids) as _)
            .interceptor(Arc::clone(&inner.steps) as _);
        let ctx = durable_engine::new_context(config).await?;
        let setups = self.setups().clone();
        for setup in setups {
            setup(&ctx)?;
        }
        durable_api::launch(&ctx).await?;
        Ok(Life { ctx, link })
    }
}
