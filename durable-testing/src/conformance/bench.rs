use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use durable_api::SystemStore;
use futures::FutureExt as _;
use uuid::Uuid;

/// Opens stores under test.
pub trait Backend: Send + Sync {
    /// Whether a handle gives hints to its own subscribers about the changes made through it. Where it does not,
    /// subscriptions must end at once, so that nobody waits for them.
    const HINTS: bool = true;

    /// Opens a store over `namespace`, without migrating it. Two opens of one namespace see the same
    /// data, as two processes would; two namespaces see nothing of each other. A namespace is made of at
    /// most 40 lower-case letters, digits and underscores, and begins with a letter.
    fn open(&self, namespace: &str) -> impl Future<Output = Arc<dyn SystemStore>> + Send;

    /// Removes everything in `namespace`.
    fn clean(&self, namespace: &str) -> impl Future<Output = ()> + Send;
}

/// What a case gets: any number of handles on one fresh namespace.
pub struct Bench<'a, B> {
    backend: &'a B,
    namespace: String,
    /// Further namespaces, which go with this one.
    further: Mutex<Vec<String>>,
}

impl<'a, B: Backend> Bench<'a, B> {
    /// A handle that has not been migrated.
    pub async fn open_raw(&self) -> Arc<dyn SystemStore> {
        self.backend.open(&self.namespace).await
    }

    /// A (further) handle, ready for use: another process, or the same one after a crash.
    pub async fn open(&self) -> Arc<dyn SystemStore> {
        let store = self.open_raw().await;
        store.migrate().await.expect("migrates");
        store
    }

    /// A handle on a namespace of its own, ready for use, which is removed with this one.
    pub async fn fresh(&self) -> Arc<dyn SystemStore> {
        let namespace = namespace();
        let store = self.backend.open(&namespace).await;
        self.further
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(namespace);
        store.migrate().await.expect("migrates");
        store
    }

    /// Lets something happen on another fresh namespace.
    pub(crate) async fn elsewhere(&self, case: impl AsyncFnOnce(&Self)) {
        Self::run(self.backend, case).await;
    }

    /// Runs one case on a fresh namespace, and removes the namespace whether or not it passes.
    #[doc(hidden)]
    pub async fn run(backend: &'a B, case: impl AsyncFnOnce(&Self)) {
        let bench = Self {
            backend,
            namespace: namespace(),
            further: Mutex::default(),
        };
        let result = AssertUnwindSafe(case(&bench)).catch_unwind().await;
        backend.clean(&bench.namespace).await;
        for namespace in bench
            .further
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            backend.clean(&namespace).await;
        }
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    }
}

fn namespace() -> String {
    format!("t{}", Uuid::new_v4().simple())
}
