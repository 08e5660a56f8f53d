//! One execution, from its first line to its recorded outcome.
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use durable_api::{
    Ctx, Error, Execution, Failure, Payload, Registration, Value,
    store::{FinishOutcome, FinishWorkflow, Outcome, Owner, StepRecord},
};
use futures::FutureExt as _;
use tracing::Instrument as _;

use crate::{
    engine::{Engine, Launched},
    observe,
    outage::Patience,
    queues::Slot,
    run::Run,
    running::{Ended, Running},
    workflow_context::WorkflowContext,
};

/// What an execution begins with.
pub(crate) struct Begin {
    pub(crate) execution: Arc<Execution>,
    pub(crate) registration: Arc<Registration>,
    pub(crate) owner: Owner,
    pub(crate) input: Payload,
    /// The checkpoints of earlier executions; none for a fresh workflow.
    pub(crate) history: Vec<StepRecord>,
    /// Whether its executor was lost before.
    pub(crate) recovered: bool,
    /// The trace that the workflow was started in.
    pub(crate) trace_context: Option<String>,
    /// Its place among those that came from queues; given back when the execution ends.
    pub(crate) slot: Option<Slot>,
}

/// Runs an execution in the background.
pub(crate) fn spawn(engine: &Arc<Engine>, launched: &Launched, begin: Begin) -> Arc<Running> {
    let running = engine.running.begin(&begin.execution);
    let id = begin.execution.workflow_id();
    let span = observe::workflow_span(id, &begin.registration.name, begin.recovered);
    if let (Some(traces), Some(trace)) = (&engine.config.traces, &begin.trace_context) {
        traces.adopt(&span, trace);
    }
    let task = execute(Arc::clone(engine), Arc::clone(&running), begin).instrument(span);
    engine.tasks.spawn_on(task, &launched.runtime);
    running
}

async fn execute(engine: Arc<Engine>, running: Arc<Running>, mut begin: Begin) {
    let slot = begin.slot.take();
    let execution = Arc::clone(&begin.execution);
    let workflow_id = execution.workflow_id();
    let name = begin.registration.name.clone();
    // A panic of the engine's own must not leave those who wait for the result waiting.
    let work = AssertUnwindSafe(run_to_end(&engine, &running, begin)).catch_unwind();
    let ended = tokio::select! {
        // Once nothing may go on, not one more line of the workflow does.
        biased;
        () = engine.halted.cancelled() => Ended::Interrupted(Error::Interrupted {
            workflow_id: workflow_id.to_owned(),
            reason: "the context was shut down".to_owned(),
        }),
        ended = work => ended.unwrap_or_else(|panic| Ended::Interrupted(Error::Interrupted {
            workflow_id: workflow_id.to_owned(),
            reason: format!("the engine panicked: {}", panic_message(&*panic)),
        })),
        () = expiry(&engine, &execution) => unreachable!("the watch over a deadline does not end"),
    };
    match &ended {
        Ended::Recorded(_) => tracing::debug!(workflow_id, "finished"),
        Ended::Elsewhere => tracing::warn!(
            workflow_id,
            "this execution lost its workflow to another one, or it was ended meanwhile"
        ),
        Ended::Interrupted(Error::Interrupted { reason, .. }) => {
            tracing::info!(workflow_id, reason, "interrupted; it stays recoverable");
        }
        Ended::Interrupted(error) => {
            tracing::error!(workflow_id, %error, "interrupted; it stays recoverable");
        }
    }
    observe::execution_ended(&name, &ended);
    engine.running.end(&running, ended);
    drop(slot);
}

/// Cancels the workflow at its deadline. Its code is not cut off: it is signalled, and can write no more.
async fn expiry(engine: &Engine, execution: &Execution) {
    if let Some(deadline) = execution.deadline() {
        engine.sleep_until(deadline).await;
        tracing::info!(workflow_id = execution.workflow_id(), "over its deadline");
        // What counts is the deadline that is stored: a resumed workflow has none.
        if let Err(error) = engine.expire().await {
            tracing::warn!(%error, "could not cancel a workflow that is over its deadline");
        }
    }
    std::future::pending().await
}

async fn run_to_end(engine: &Arc<Engine>, running: &Running, begin: Begin) -> Ended {
    let Begin {
        execution,
        registration,
        owner,
        input,
        history,
        ..
    } = begin;
    let encoding = engine.encoding(&registration);
    let run = Run::new(
        Arc::clone(engine),
        Arc::clone(&execution),
        owner,
        encoding,
        history,
        None,
    );
    let returned = match run_code(run, &registration, input).await {
        Ok(returned) => returned,
        Err(ended) => return ended,
    };
    let over = execution
        .deadline()
        .is_some_and(|deadline| deadline <= engine.now());
    if over {
        // If it is cancelled by this, it cannot be finished any more.
        if let Err(error) = engine.expire().await {
            return Ended::Interrupted(error);
        }
    }
    let what = || format!("the output of workflow `{}`", execution.workflow_id());
    let outcome = outcome(engine, returned, encoding, what);
    // The write finds out by itself what a check would.
    running.begin_check();
    finish(engine, &execution, owner, outcome).await
}

/// Runs the workflow's function to its end. An error is what an execution without an outcome ended by.
pub(crate) async fn run_code(
    run: Arc<Run>,
    registration: &Registration,
    input: Payload,
) -> Result<Result<Value, Failure>, Ended> {
    let execution = Arc::clone(&run.execution);
    let context = Arc::new(WorkflowContext::new(run));
    let values = registration.values.clone();
    let ctx = Ctx::for_execution(context, Arc::clone(&execution), values);
    let future = match registration.workflow.prepare(ctx, &input) {
        Ok(future) => future,
        Err(source) => {
            let what = format!("the input of workflow `{}`", execution.workflow_id());
            return Err(Ended::Interrupted(Error::codec(what, source)));
        }
    };
    drop(input);
    let returned = AssertUnwindSafe(execution.enter(future))
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(panic_failure("workflow", &*panic)));

    // Whatever the code made of the reason to stop, there is no outcome.
    match execution.interruption() {
        Some(Error::NotOwner { .. } | Error::Cancelled { .. }) => Err(Ended::Elsewhere),
        Some(error) => Err(Ended::Interrupted(error)),
        None if execution.saw_cancellation() => Err(Ended::Interrupted(Error::Interrupted {
            workflow_id: execution.workflow_id().to_owned(),
            reason: "it was told to stop".to_owned(),
        })),
        None => Ok(returned),
    }
}

/// What there is to record. A value that cannot be stored becomes the failure that says so.
pub(crate) fn outcome(
    engine: &Engine,
    returned: Result<Value, Failure>,
    encoding: durable_api::Encoding,
    what: impl Fn() -> String,
) -> Outcome {
    let sealed = returned.and_then(|value| {
        let (payload, _) = value
            .seal(encoding)
            .map_err(|source| Failure::from(Error::codec(what(), source)))?;
        engine.check_size(&payload, &what)?;
        Ok(payload)
    });
    match sealed {
        Ok(payload) => Outcome::Success(payload),
        Err(failure) => Outcome::Failure(failure_payload(engine, &failure, what)),
    }
}

/// A failure as it is stored; one over the limit is cut down to the start of its message.
pub(crate) fn failure_payload(
    engine: &Engine,
    failure: &Failure,
    what: impl Fn() -> String,
) -> Payload {
    let payload = failure.to_payload();
    match engine.check_size(&payload, what) {
        Ok(()) => payload,
        Err(error) => {
            let start: String = failure.to_string().chars().take(200).collect();
            let mut cut = Failure::msg(format!("{start}… ({error})"));
            if let Some(code) = failure.code().filter(|code| code.len() <= 200) {
                cut = cut.with_code(code);
            }
            cut.to_payload()
        }
    }
}

async fn finish(
    engine: &Arc<Engine>,
    execution: &Execution,
    owner: Owner,
    outcome: Outcome,
) -> Ended {
    let request = FinishWorkflow::new(
        execution.workflow_id(),
        owner,
        outcome.clone(),
        engine.now(),
    );
    let answer = engine
        .persist("finish_workflow", Patience::Mendable, || {
            engine.store().finish_workflow(request.clone())
        })
        .await;
    match answer {
        Ok(FinishOutcome::Finished) => Ended::Recorded(outcome),
        Ok(FinishOutcome::NotOwner) => Ended::Elsewhere,
        Err(error) => Ended::Interrupted(error),
    }
}

/// The failure that a panic becomes.
pub(crate) fn panic_failure(what: &str, panic: &(dyn Any + Send)) -> Failure {
    Failure::msg(format!("the {what} panicked: {}", panic_message(panic))).with_code("panic")
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
