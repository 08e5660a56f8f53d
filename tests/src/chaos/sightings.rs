//! When which executor was registered, as seen from outside.
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use durable::{
    SystemStore,
    store::{ExecutorStore, Incarnation},
};
use tokio::task::JoinHandle;

use super::{APP, clock};

const INTERVAL: Duration = Duration::from_millis(40);

/// A life in the store.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) pid: u32,
    pub(super) first: u64,
    /// It was registered then.
    pub(super) last: u64,
    /// It was not any more then.
    pub(super) gone: Option<u64>,
}

/// Looks on until it is told to end.
#[derive(Debug)]
pub(super) struct Lookout {
    over: Arc<AtomicBool>,
    task: JoinHandle<Vec<Sighting>>,
}

impl Lookout {
    pub(super) fn start(store: Arc<dyn SystemStore>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(look_on(store, Arc::clone(&over)));
        Self { over, task }
    }

    pub(super) async fn end(self) -> Vec<Sighting> {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.expect("the lookout does not panic")
    }
}

async fn look_on(store: Arc<dyn SystemStore>, over: Arc<AtomicBool>) -> Vec<Sighting> {
    let mut known: HashMap<Incarnation, Sighting> = HashMap::new();
    while !over.load(Ordering::Relaxed) {
        let asked = clock::now();
        let executors: &dyn ExecutorStore = &*store;
        if let Ok(found) = executors.list_executors(APP).await {
            for sighting in known.values_mut().filter(|one| one.last < asked) {
                sighting.gone.get_or_insert(asked);
            }
            for executor in found {
                let pid = executor.process.as_deref().and_then(pid).unwrap_or(0);
                let sighting = known.entry(executor.incarnation).or_insert(Sighting {
                    pid,
                    first: clock::now(),
                    last: asked,
                    gone: None,
                });
                (sighting.last, sighting.gone) = (asked, None);
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
    known.into_values().collect()
}

/// A process is described as its id, an `@`, and when it started.
fn pid(process: &str) -> Option<u32> {
    process.split('@').next()?.parse().ok()
}
