//! Starting a workflow, from the program or from a workflow.
use std::sync::Arc;

use durable_api::{
    Error, Execution, ExecutionStart, Registration, StartScope, Timestamp,
    requests::StartWorkflow,
    store::{InsertOutcome, InsertWorkflow, ParentCheckpoint},
};

use crate::{
    engine::{Engine, Launched},
    execution::{self, Begin},
    names, observe,
    outage::Patience,
    run::Run,
    running::Running,
};

/// A workflow that was started, now or before.
pub(crate) struct Started {
    pub(crate) id: String,
    /// Its execution, if that is in this process.
    pub(crate) running: Option<Arc<Running>>,
}

impl Started {
    pub(crate) fn before(engine: &Engine, id: String) -> Self {
        let running = engine.running.get(&id);
        Self { id, running }
    }
}

/// Starts a workflow that is nobody's child.
pub(crate) async fn start_root(
    engine: &Arc<Engine>,
    request: StartWorkflow,
) -> Result<Started, Error> {
    let operation = "run_workflow";
    engine.check_runs_code(operation)?;
    if engine.stopping.is_cancelled() {
        return Err(Error::ShutDown { operation });
    }
    let launched = engine.launched(operation)?;
    let registration = launched.registry.resolve(&request)?;
    let id = match request.workflow_id.clone() {
        Some(id) => {
            names::check("workflow id", &id)?;
            id
        }
        None => engine.config.ids.next_id().to_string(),
    };
    let scope = request.scope.clone();
    let insert = prepare(engine, launched, registration, id, request, None)?;
    match accept(engine, registration, insert, scope, Patience::Transient).await? {
        Accepted::Started(started) => Ok(started),
        Accepted::Refused(refused) => Err(match *refused {
            InsertOutcome::Conflict(record) => conflict(record),
            _ => superseded(launched),
        }),
    }
}

/// Starts a child, or finds the one that an earlier execution started, and returns it.
pub(crate) async fn start_child(
    run: &Run,
    step_id: u32,
    request: StartWorkflow,
) -> Result<Started, Error> {
    let engine = &run.engine;
    let launched = engine.launched("run_workflow")?;
    let registration = launched.registry.resolve(&request)?;
    let id = match request.workflow_id.clone() {
        Some(id) => {
            names::check("workflow id", &id)?;
            id
        }
        None => format!("{}-{step_id}", run.workflow_id()),
    };
    names::check_derived("child workflow id", &id)?;
    if let Some(step) = run.replayed(step_id, &registration.name).await? {
        return match step.child_id {
            Some(child_id) if step.outcome.is_none() => Ok(Started::before(engine, child_id)),
            _ => {
                let called = format!("{} (as a child, not as a step)", step.name);
                Err(run.unexpected(&step, &called))
            }
        };
    }
    run.check_alive()?;
    let scope = request.scope.clone();
    let mut insert = prepare(engine, launched, registration, id, request, Some(run))?;
    insert.parent = Some(ParentCheckpoint::new(
        run.workflow_id(),
        run.owner,
        step_id,
        &registration.name,
    ));
    run.before_effect().await?;
    let name = insert.name.clone();
    match accept(engine, registration, insert, scope, Patience::Mendable)
        .await
        .map_err(|error| run.execution.interrupt(error))?
    {
        Accepted::Started(started) => Ok(started),
        Accepted::Refused(refused) => Err(match *refused {
            InsertOutcome::Conflict(record) => conflict(record),
            InsertOutcome::StepTaken(step) => run.unexpected(&step, &name),
            InsertOutcome::ParentNotOwner => run.not_owner().await,
            _ => run.execution.interrupt(superseded(launched)),
        }),
    }
}

/// The row to write. Everything that can be refused without the store is refused here.
fn prepare(
    engine: &Engine,
    launched: &Launched,
    registration: &Registration,
    id: String,
    request: StartWorkflow,
    parent: Option<&Run>,
) -> Result<InsertWorkflow, Error> {
    let what = || format!("the input of workflow `{id}` ({})", registration.name);
    let (input, _) = request
        .input
        .seal(engine.encoding(registration))
        .map_err(|source| Error::codec(what(), source))?;
    engine.check_size(&input, what)?;
    let mut insert = InsertWorkflow::new(
        id,
        &engine.config.app,
        &registration.name,
        input,
        engine.next_owner(launched),
        engine.now(),
    );
    insert.deadline = deadline(&request.scope, parent, insert.now);
    let inherited = parent.map(|run| run.execution.caller().clone());
    insert.caller = request.caller.or(inherited).unwrap_or_default();
    insert.attributes = request.attributes;
    insert.trace_context = engine.current_trace();
    insert.version = Some(launched.version.clone());
    insert.executor_id.clone_from(&launched.executor_id);
    Ok(insert)
}

/// The earlier of the workflow's own deadline and the one that it inherits.
fn deadline(scope: &StartScope, parent: Option<&Run>, now: Timestamp) -> Option<Timestamp> {
    let own = scope.timeout.map(|timeout| now.saturating_add(timeout));
    let inherited = parent
        .filter(|_| !scope.detached)
        .and_then(|run| run.execution.deadline());
    own.into_iter().chain(inherited).min()
}

/// What became of a request to start.
enum Accepted {
    Started(Started),
    Refused(Box<InsertOutcome>),
}

/// Writes the row and runs what was accepted, in a task of its own: a caller that is dropped meanwhile must not leave a workflow that is
/// accepted and run by nobody.
async fn accept(
    engine: &Arc<Engine>,
    registration: &Arc<Registration>,
    insert: InsertWorkflow,
    scope: StartScope,
    patience: Patience,
) -> Result<Accepted, Error> {
    let operation = "run_workflow";
    let runtime = engine.launched(operation)?.runtime.clone();
    let (engine, registration) = (Arc::clone(engine), Arc::clone(registration));
    let task = async move {
        let store = engine.store();
        let answer = engine
            .persist("insert_workflow", patience, || {
                store.insert_workflow(insert.clone())
            })
            .await?;
        Ok(match answer {
            InsertOutcome::Inserted => {
                let launched = engine.launched(operation)?;
                Accepted::Started(begin(&engine, launched, &registration, insert, scope))
            }
            InsertOutcome::Existing(record) => {
                Accepted::Started(Started::before(&engine, record.id))
            }
            refused => Accepted::Refused(Box::new(refused)),
        })
    };
    match runtime.spawn(task).await {
        Ok(accepted) => accepted,
        Err(_) => Err(Error::ShutDown { operation }),
    }
}

/// Runs what was accepted.
fn begin(
    engine: &Arc<Engine>,
    launched: &Launched,
    registration: &Arc<Registration>,
    insert: InsertWorkflow,
    scope: StartScope,
) -> Started {
    let mut start = ExecutionStart::new(insert.id.clone(), engine.stopping.child_token());
    start.deadline = insert.deadline;
    start.caller = insert.caller;
    let running = execution::spawn(
        engine,
        launched,
        Begin {
            execution: Execution::new(start),
            registration: Arc::clone(registration),
            owner: insert.owner,
            input: insert.input,
            history: Vec::new(),
            recovered: false,
            trace_context: insert.trace_context,
        },
    );
    observe::workflow_started(&registration.name);
    if let Some(cancellation) = scope.cancellation {
        engine.cancel_with(Arc::clone(&running), cancellation, &launched.runtime);
    }
    Started {
        id: insert.id,
        running: Some(running),
    }
}

fn conflict(record: durable_api::store::WorkflowRecord) -> Error {
    Error::Conflict {
        workflow_id: record.id,
        name: record.name,
        app: record.app,
    }
}

fn superseded(launched: &Launched) -> Error {
    Error::Superseded {
        executor_id: launched.executor_id.clone(),
    }
}
