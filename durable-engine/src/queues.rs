//! What a process knows of queues: their configuration, from which it takes, and how much it has taken.
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use durable_api::{
    Error, INTERNAL_QUEUE,
    requests::SetDelay as SetDelayRequest,
    store::{
        Change, DeleteQueueOutcome, Limits, QueueRecord, QueueStore, SetDelay, SetDelayOutcome,
    },
};
use tokio::sync::Notify;

use crate::{config::Config, engine::Engine, names, outage::Patience, run::Run};

/// The queues, as this process sees them.
#[derive(Debug)]
pub(crate) struct Queues(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capacity: usize,
    running: AtomicUsize,
    /// Wakes the loop that takes work: there is another choice of queues.
    changed: Notify,
    /// Wakes it, too, if it waits for that: one that came from a queue has ended.
    freed: Notify,
    /// Wakes the loop that releases delayed work.
    delayed: Notify,
    serving: Mutex<Option<Vec<String>>>,
    /// Queues that were seen to be registered, by application.
    known: Mutex<HashSet<(String, String)>>,
}

impl Queues {
    pub(crate) fn new(config: &Config) -> Self {
        Self(Arc::new(Inner {
            capacity: config.queue_capacity,
            running: AtomicUsize::new(0),
            changed: Notify::new(),
            freed: Notify::new(),
            delayed: Notify::new(),
            serving: Mutex::new(config.queues.clone()),
            known: Mutex::default(),
        }))
    }

    /// How many more workflows this process may take.
    pub(crate) fn room(&self) -> usize {
        let running = self.0.running.load(Ordering::Relaxed);
        self.0.capacity.saturating_sub(running)
    }

    /// A place for one more.
    pub(crate) fn slot(&self) -> Slot {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        Slot(Arc::clone(&self.0))
    }

    /// Completes when the loop that takes work should look again.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Completes when one that came from a queue has ended, since the last time.
    pub(crate) async fn freed(&self) {
        self.0.freed.notified().await;
    }

    /// Tells the loop that releases delayed work of a delay that began or changed here.
    pub(crate) fn delay_changed(&self) {
        self.0.delayed.notify_one();
    }

    /// Completes when that loop should look again.
    pub(crate) async fn delayed(&self) {
        self.0.delayed.notified().await;
    }

    /// From which queues to take; `None` for all.
    pub(crate) fn serving(&self) -> Option<Vec<String>> {
        lock(&self.0.serving).clone()
    }

    /// Chooses from which queues to take.
    pub(crate) fn serve(&self, queues: Option<Vec<String>>) {
        *lock(&self.0.serving) = queues;
        self.0.changed.notify_one();
    }
}

/// The place of a workflow that came from a queue among those that this process runs.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Inner>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.freed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses a queue that nobody registered. One that was seen once is not looked up again.
pub(crate) async fn check_known(engine: &Engine, app: &str, queue: &str) -> Result<(), Error> {
    names::check("queue name", queue)?;
    let key = (app.to_owned(), queue.to_owned());
    let known = &engine.queues.0.known;
    if queue == INTERNAL_QUEUE || lock(known).contains(&key) {
        return Ok(());
    }
    let registered = list_of(engine, app).await?;
    let mut known = lock(known);
    for found in registered {
        known.insert((found.app, found.name));
    }
    if known.contains(&key) {
        return Ok(());
    }
    Err(Error::UnknownQueue {
        queue: queue.to_owned(),
    })
}

pub(crate) async fn register(
    engine: &Engine,
    by: Option<&Run>,
    mut queue: QueueRecord,
) -> Result<(), Error> {
    names::check("queue name", &queue.name)?;
    names::check_not_ours("queue name", &queue.name)?;
    check_limits(&queue.name, &queue.limits)?;
    check_limits(&queue.name, &queue.partition_limits)?;
    for (partition, weight) in &queue.weights {
        names::check("partition key", partition)?;
        if *weight == 0 {
            return Err(no_limit(&queue.name, "a partition's weight"));
        }
    }
    queue.app.clone_from(&engine.config.app);
    let () = engine.change(by, Change::PutQueue(queue.clone())).await?;
    lock(&engine.queues.0.known).insert((queue.app, queue.name));
    Ok(())
}

fn check_limits(queue: &str, limits: &Limits) -> Result<(), Error> {
    if limits.concurrency == Some(0) {
        return Err(no_limit(queue, "the concurrency"));
    }
    if limits.executor_concurrency == Some(0) {
        return Err(no_limit(queue, "the concurrency of an executor"));
    }
    match limits.rate {
        Some(rate) if rate.starts == 0 => Err(no_limit(queue, "the rate")),
        Some(rate) if rate.period_millis == 0 => {
            Err(no_limit(queue, "the period of the rate, in milliseconds,"))
        }
        _ => Ok(()),
    }
}

fn no_limit(queue: &str, what: &str) -> Error {
    Error::InvalidConfig(format!(
        "{what} of queue `{queue}` is 0, which would let nothing through"
    ))
}

pub(crate) async fn list(engine: &Engine) -> Result<Vec<QueueRecord>, Error> {
    list_of(engine, &engine.config.app).await
}

async fn list_of(engine: &Engine, app: &str) -> Result<Vec<QueueRecord>, Error> {
    let store: &dyn QueueStore = engine.store();
    engine
        .persist("list_queues", Patience::Transient, || {
            store.list_queues(app)
        })
        .await
}

pub(crate) async fn delete(engine: &Engine, by: Option<&Run>, name: &str) -> Result<(), Error> {
    let app = &engine.config.app;
    let outcome = engine
        .change(
            by,
            Change::DeleteQueue {
                app: app.clone(),
                name: name.to_owned(),
            },
        )
        .await?;
    match outcome {
        DeleteQueueOutcome::Deleted => {
            lock(&engine.queues.0.known).remove(&(app.clone(), name.to_owned()));
            Ok(())
        }
        DeleteQueueOutcome::InUse => Err(Error::QueueInUse {
            queue: name.to_owned(),
        }),
    }
}

pub(crate) async fn set_delay(
    engine: &Engine,
    by: Option<&Run>,
    request: &SetDelayRequest,
) -> Result<(), Error> {
    let now = engine.now();
    let until = now.saturating_add(request.delay);
    let set = SetDelay::new(&request.workflow_id, until, now);
    let outcome = engine.change(by, Change::SetDelay(set)).await?;
    let workflow_id = request.workflow_id.clone();
    match outcome {
        SetDelayOutcome::Set => {
            engine.queues.delay_changed();
            Ok(())
        }
        SetDelayOutcome::NotDelayed(status) => Err(Error::NotDelayed {
            workflow_id,
            status,
        }),
        SetDelayOutcome::UnknownWorkflow => Err(Error::NotFound { workflow_id }),
    }
}
