//! Leaving a workflow in a queue, from the program or from a workflow.
use std::sync::Arc;

use durable_api::{
    CancellationToken, Error, Payload, Registration, Timestamp,
    requests::{OnDuplicate, QueueOptions, StartWorkflow},
    store::{
        Debounce, DynConnection, Enqueue, InsertOutcome, InsertWorkflow, OutboxStore, StoreError,
        StoreErrorKind, WorkflowStore,
    },
};

use crate::{
    engine::Engine,
    names,
    outage::Patience,
    queues,
    run::Run,
    start::{
        Code, Started, child_id, conflict, parent_checkpoint, prepare, recorded_child, refuse,
        root_id,
    },
    wait::Waited,
};

/// Enqueues a workflow that is nobody's child.
pub(crate) async fn enqueue_root(
    engine: &Arc<Engine>,
    request: StartWorkflow,
) -> Result<Started, Error> {
    let id = root_id(engine, &request)?;
    let cancellation = request.scope.cancellation.clone();
    let Entry { insert, options } = entry(engine, id, request, None).await?;
    let store: &dyn WorkflowStore = engine.store();
    let outcome = engine
        .persist("insert_workflow", Patience::Transient, || {
            store.insert_workflow(insert.clone())
        })
        .await?;
    let id = accepted(&options, insert.id, outcome)?;
    entered(engine, &options, &id, cancellation);
    Ok(Started::before(engine, id))
}

/// Enqueues a workflow in a transaction of the caller's.
pub(crate) async fn enqueue_within(
    engine: &Engine,
    request: StartWorkflow,
    connection: &mut DynConnection,
) -> Result<Started, Error> {
    let id = root_id(engine, &request)?;
    let Entry { insert, options } = entry(engine, id, request, None).await?;
    let store: &dyn OutboxStore = engine.store();
    let workflow_id = insert.id.clone();
    let outcome = store
        .insert_workflow_within(insert, connection)
        .await
        .map_err(|error| unsupported_within("enqueue", error))?;
    let id = accepted(&options, workflow_id, outcome)?;
    Ok(Started::before(engine, id))
}

/// What cannot be done is told as such, not as a malfunction of the store.
pub(crate) fn unsupported_within(operation: &str, error: StoreError) -> Error {
    if error.kind() == StoreErrorKind::Unsupported {
        return Error::Unsupported(format!("`{operation}` within a transaction: {error}"));
    }
    Error::Store(error)
}

/// Enqueues a child, or finds the one that an earlier execution enqueued.
pub(crate) async fn enqueue_child(
    run: &Run,
    step_id: u32,
    request: StartWorkflow,
) -> Result<Started, Error> {
    let engine = &run.engine;
    let id = child_id(run, step_id, &request)?;
    let name = code_name(&find(engine, &request)?).to_owned();
    if let Some(step) = run.replayed(step_id, &name).await? {
        let found = recorded_child(run, step)?;
        if let Some(options) = &request.queue
            && found != id
            && options.debounce.is_none()
        {
            return duplicate(options, found).map(|found| Started::before(engine, found));
        }
        return Ok(Started::before(engine, found));
    }
    // Before the queue is looked up: a rehearsal asks nothing of the store.
    run.before_effect().await?;
    let cancellation = request.scope.cancellation.clone();
    let Entry {
        mut insert,
        options,
    } = match entry(engine, id, request, Some(run)).await {
        Err(error @ Error::UnknownQueue { .. }) => {
            return refuse(run, step_id, &name, &error).await;
        }
        entry => entry?,
    };
    insert.parent = Some(parent_checkpoint(run, step_id, &name));
    run.before_effect().await?;
    let store: &dyn WorkflowStore = engine.store();
    let outcome = engine
        .persist("insert_workflow", Patience::Mendable, || {
            store.insert_workflow(insert.clone())
        })
        .await
        .map_err(|error| run.execution.interrupt(error))?;
    match outcome {
        InsertOutcome::StepTaken(step) => Err(run.unexpected(&step, &name)),
        InsertOutcome::ParentNotOwner => Err(run.not_owner().await),
        InsertOutcome::Conflict(record) => refuse(run, step_id, &name, &conflict(record)).await,
        outcome => {
            let id = accepted(&options, insert.id, outcome)?;
            entered(engine, &options, &id, cancellation);
            Ok(Started::before(engine, id))
        }
    }
}

/// A row to write, and what was asked for.
struct Entry {
    insert: InsertWorkflow,
    options: QueueOptions,
}

/// Everything that can be refused before the row is written is refused here.
async fn entry(
    engine: &Engine,
    id: String,
    mut request: StartWorkflow,
    parent: Option<&Run>,
) -> Result<Entry, Error> {
    let options = request
        .queue
        .clone()
        .ok_or_else(|| Error::InvalidConfig("a request to enqueue names no queue".to_owned()))?;
    let app = options.app.as_ref().unwrap_or(&engine.config.app);
    for (what, name) in [
        ("application name", &options.app),
        ("application version", &options.version),
        ("deduplication id", &options.deduplication_id),
        ("partition key", &options.partition_key),
    ] {
        if let Some(name) = name {
            names::check(what, name)?;
        }
    }
    queues::check_known(engine, app, &options.queue).await?;
    let found = find(engine, &request)?;
    let timeout = request.scope.timeout;
    request.queue = Some(options.clone());
    let code = match &found {
        Found::Here(registration) if options.app.is_none() => Code::Here(registration),
        found => Code::Elsewhere(code_name(found)),
    };
    names::check("workflow name", code_name(&found))?;
    let mut insert = prepare(engine, code, id, request, parent)?;
    insert.app.clone_from(app);
    if options.version.is_some() {
        insert.version.clone_from(&options.version);
    }
    let mut enqueue = Enqueue::new(&options.queue);
    enqueue.priority = options.priority;
    enqueue
        .deduplication_id
        .clone_from(&options.deduplication_id);
    enqueue.partition_key.clone_from(&options.partition_key);
    enqueue.delayed_until = options.delay.map(|delay| insert.now.saturating_add(delay));
    match (insert.deadline, timeout) {
        // Its parent's time is running already.
        (Some(inherited), Some(timeout)) => {
            insert.deadline = Some(inherited.min(insert.now.saturating_add(timeout)));
        }
        _ => enqueue.timeout = timeout,
    }
    if let Some(debounce) = &options.debounce {
        names::check("debounce key", &debounce.key)?;
        let last = match debounce.cap {
            Some(cap) => insert.now.saturating_add(cap),
            None => Timestamp::from_millis(i64::MAX),
        };
        enqueue.delayed_until = enqueue.delayed_until.map(|until| until.min(last));
        enqueue.debounce = Some(Debounce::new(&debounce.key, last));
    }
    insert.enqueue = Some(enqueue);
    Ok(Entry { insert, options })
}

/// The name under which a workflow is to be run, and its input as it is stored. `what` says for whom.
pub(crate) fn seal_input(
    engine: &Engine,
    request: StartWorkflow,
    what: &str,
) -> Result<(String, Payload), Error> {
    let found = find(engine, &request)?;
    let name = code_name(&found).to_owned();
    names::check("workflow name", &name)?;
    let encoding = match &found {
        Found::Here(registration) => engine.encoding(registration),
        Found::Elsewhere(_) => engine.config.encoding,
    };
    let what = || format!("the input of {what}");
    let sealed = request.input.seal(encoding);
    let (input, _) = sealed.map_err(|source| Error::codec(what(), source))?;
    engine.check_size(&input, what)?;
    Ok((name, input))
}

/// The code that a request means.
enum Found {
    Here(Arc<Registration>),
    /// Not in this process; its name.
    Elsewhere(String),
}

fn code_name(found: &Found) -> &str {
    match found {
        Found::Here(registration) => &registration.name,
        Found::Elsewhere(name) => name,
    }
}

fn find(engine: &Engine, request: &StartWorkflow) -> Result<Found, Error> {
    let resolved = match engine.launched.get() {
        Some(launched) => launched.registry.resolve(request).cloned(),
        None => match &*engine.lock_registering() {
            Some(registry) => registry.resolve(request).cloned(),
            None => Err(Error::NotRegistered {
                name: request.name.clone(),
            }),
        },
    };
    match resolved {
        Ok(registration) => Ok(Found::Here(registration)),
        // Somebody else may have it, under the name that it has by default, or that was given.
        Err(Error::NotRegistered { .. }) => match request.function {
            Some(function) if function.stable_path().is_none() => Err(Error::Unnamed {
                type_name: function.path(),
                hint: "say which workflow is meant by `.name(\"…\")`",
            }),
            _ => Ok(Found::Elsewhere(request.name.clone())),
        },
        Err(error) => Err(error),
    }
}

/// The id of the workflow that is there now.
fn accepted(options: &QueueOptions, id: String, outcome: InsertOutcome) -> Result<String, Error> {
    match outcome {
        InsertOutcome::Existing(record) => Ok(record.id),
        InsertOutcome::Debounced(holder) => Ok(holder),
        InsertOutcome::Deduplicated(holder) => duplicate(options, holder),
        InsertOutcome::Conflict(record) => Err(conflict(record)),
        _ => Ok(id),
    }
}

/// What to answer when another workflow has the deduplication id.
fn duplicate(options: &QueueOptions, holder: String) -> Result<String, Error> {
    if options.on_duplicate == OnDuplicate::ReturnExisting {
        return Ok(holder);
    }
    match &options.deduplication_id {
        Some(deduplication_id) => Err(Error::Duplicate {
            queue: options.queue.clone(),
            deduplication_id: deduplication_id.clone(),
            workflow_id: holder,
        }),
        None => Ok(holder),
    }
}

/// What follows from a workflow that was accepted.
fn entered(
    engine: &Arc<Engine>,
    options: &QueueOptions,
    id: &str,
    cancellation: Option<CancellationToken>,
) {
    if options.delay.is_some() {
        engine.queues.delay_changed();
    }
    if let Some(cancellation) = cancellation {
        let watch = cancel_with(Arc::clone(engine), id.to_owned(), cancellation);
        engine.tasks.spawn(watch);
    }
}

/// Cancels a workflow that runs anywhere when the context that it was enqueued with is cancelled.
async fn cancel_with(engine: Arc<Engine>, id: String, cancellation: CancellationToken) {
    let ended = async {
        let look = || async {
            let record = crate::queries::record(&engine, &id).await?;
            Ok(record.status.is_final().then_some(()))
        };
        matches!(
            engine.wait_for(&id, None, look).await,
            Ok(Waited::Came(())) | Err(_)
        )
    };
    tokio::select! {
        biased;
        _ = ended => {}
        () = engine.stopping.cancelled() => {}
        () = cancellation.cancelled() => {
            if let Err(error) = engine.cancel(&id).await {
                tracing::warn!(workflow_id = id, %error, "could not cancel a workflow with its context");
            }
        }
    }
}
