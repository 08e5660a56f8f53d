//! Starting a workflow, from the program or from a workflow.
use std::{sync::Arc, time::Duration};

use durable_api::{
    Error, Execution, ExecutionStart, Registration, StartScope, Timestamp,
    requests::StartWorkflow,
    store::{
        Incarnation, InsertOutcome, InsertWorkflow, Outcome, Owner, ParentCheckpoint, StepRecord,
    },
};
use uuid::Uuid;

use crate::{
    engine::{Engine, Launched},
    execution::{self, Begin},
    membership, names, observe,
    outage::Patience,
    recorded_error::RecordedError,
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
    let id = root_id(engine, &request)?;
    let scope = request.scope.clone();
    let code = Code::Here(registration);
    let insert = prepare(engine, code, id, request, None)?;
    match accept(engine, registration, insert, scope, Patience::Transient).await? {
        Accepted::Started(started) => Ok(started),
        Accepted::Refused(refused) => Err(match *refused {
            InsertOutcome::Conflict(record) => conflict(record),
            _ => superseded(launched),
        }),
    }
}

/// The id that was asked for, or a new one.
pub(crate) fn root_id(engine: &Engine, request: &StartWorkflow) -> Result<String, Error> {
    match request.workflow_id.clone() {
        Some(id) => {
            names::check("workflow id", &id)?;
            Ok(id)
        }
        None => Ok(engine.new_workflow_id()),
    }
}

/// The id that was asked for, or the one that a child has by its place.
pub(crate) fn child_id(run: &Run, step_id: u32, request: &StartWorkflow) -> Result<String, Error> {
    let id = match request.workflow_id.clone() {
        Some(id) => {
            names::check("workflow id", &id)?;
            id
        }
        None => format!("{}-{step_id}", run.workflow_id()),
    };
    names::check_derived("child workflow id", &id)?;
    Ok(id)
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
    let id = child_id(run, step_id, &request)?;
    if let Some(step) = run.replayed(step_id, &registration.name).await? {
        return Ok(Started::before(engine, recorded_child(run, step)?));
    }
    run.check_alive()?;
    let scope = request.scope.clone();
    let mut insert = prepare(engine, Code::Here(registration), id, request, Some(run))?;
    insert.parent = Some(parent_checkpoint(run, step_id, &registration.name));
    run.before_effect().await?;
    let name = insert.name.clone();
    match accept(engine, registration, insert, scope, Patience::Mendable)
        .await
        .map_err(|error| run.execution.interrupt(error))?
    {
        Accepted::Started(started) => Ok(started),
        Accepted::Refused(refused) => Err(match *refused {
            InsertOutcome::Conflict(record) => {
                return refuse(run, step_id, &name, &conflict(record)).await;
            }
            InsertOutcome::StepTaken(step) => run.unexpected(&step, &name),
            InsertOutcome::ParentNotOwner => run.not_owner().await,
            _ => run.execution.interrupt(superseded(launched)),
        }),
    }
}

pub(crate) fn parent_checkpoint(run: &Run, step_id: u32, name: &str) -> ParentCheckpoint {
    let mut parent = ParentCheckpoint::new(run.workflow_id(), run.owner, step_id, name);
    parent.completions = run.execution.completions();
    parent
}

/// The child that a checkpoint names, or the error that it records.
pub(crate) fn recorded_child(run: &Run, step: StepRecord) -> Result<String, Error> {
    match (&step.child_id, &step.outcome) {
        (Some(child_id), None) => Ok(child_id.clone()),
        (None, Some(Outcome::Failure(payload))) if RecordedError::is_one(payload) => {
            Err(run.answer(step).err().unwrap_or_else(|| run.stopped()))
        }
        _ => {
            let called = format!("{} (as a child, not as a step)", step.name);
            Err(run.unexpected(&step, &called))
        }
    }
}

/// Records that a child was refused, so that a replay is told the same, and reports it.
pub(crate) async fn refuse<T>(
    run: &Run,
    step_id: u32,
    name: &str,
    error: &Error,
) -> Result<T, Error> {
    if let Some(recorded) = RecordedError::of(error) {
        let now = run.engine.now();
        let outcome = Outcome::Failure(recorded.to_payload());
        let step = StepRecord::completed(step_id, name, outcome, now, now);
        run.record(step).await?;
    }
    Err(error.clone())
}

/// The code of a workflow that is to be accepted.
#[derive(Clone, Copy)]
pub(crate) enum Code<'r> {
    /// This process has it.
    Here(&'r Registration),
    /// Another one has, under this name.
    Elsewhere(&'r str),
}

/// The row to write. Everything that can be refused without the store is refused here.
pub(crate) fn prepare(
    engine: &Engine,
    code: Code<'_>,
    id: String,
    request: StartWorkflow,
    parent: Option<&Run>,
) -> Result<InsertWorkflow, Error> {
    let (name, encoding) = match code {
        Code::Here(registration) => (&*registration.name, engine.encoding(registration)),
        Code::Elsewhere(name) => (name, engine.config.encoding),
    };
    let what = || format!("the input of workflow `{id}` ({name})");
    let sealed = request.input.seal(encoding);
    let (input, _) = sealed.map_err(|source| Error::codec(what(), source))?;
    engine.check_size(&input, what)?;
    let launched = engine.launched.get();
    let owner = match launched {
        Some(launched) => engine.next_owner(launched),
        None => Owner::new(Incarnation(Uuid::nil()), 0),
    };
    let app = &engine.config.app;
    let mut insert = InsertWorkflow::new(id, app, name, input, owner, engine.now());
    let inherited = parent.map(|run| run.execution.caller().clone());
    insert.caller = request.caller.or(inherited).unwrap_or_default();
    insert.attributes = request.attributes;
    insert.trace_context = engine.current_trace();
    if let (Some(launched), Code::Here(_)) = (launched, code) {
        insert.version = Some(launched.version.clone());
        insert.executor_id.clone_from(&launched.executor_id);
    }
    insert.deadline = parent
        .filter(|_| !request.scope.detached)
        .and_then(|run| run.execution.deadline());
    if request.queue.is_none() {
        insert.deadline = earlier(insert.deadline, request.scope.timeout, insert.now);
    }
    Ok(insert)
}

/// The earlier of an inherited deadline and a workflow's own.
fn earlier(
    inherited: Option<Timestamp>,
    timeout: Option<Duration>,
    now: Timestamp,
) -> Option<Timestamp> {
    let own = timeout.map(|timeout| now.saturating_add(timeout));
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
        let mut insert = insert;
        loop {
            let store = engine.store();
            let answer = engine
                .persist("insert_workflow", patience, || {
                    store.insert_workflow(insert.clone())
                })
                .await?;
            let launched = engine.launched(operation)?;
            return Ok(match answer {
                InsertOutcome::Inserted => {
                    Accepted::Started(begin(&engine, launched, &registration, insert, scope))
                }
                InsertOutcome::Existing(record) => {
                    Accepted::Started(Started::before(&engine, record.id))
                }
                InsertOutcome::UnknownExecutor => {
                    // It was taken for dead, perhaps wrongly.
                    membership::rejoin(&engine, launched, insert.owner.incarnation).await?;
                    insert.owner = engine.next_owner(launched);
                    continue;
                }
                refused => Accepted::Refused(Box::new(refused)),
            });
        }
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
            slot: None,
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

pub(crate) fn conflict(record: durable_api::store::WorkflowRecord) -> Error {
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
