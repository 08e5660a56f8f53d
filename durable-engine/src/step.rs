//! A step: replayed, or run until it succeeds or its policy gives up, and recorded.
use std::{future::Future, panic::AssertUnwindSafe};

use durable_api::{
    DynStep, Error, Failure, Payload, Result, StepOptions, Value,
    store::{Outcome, StepRecord},
};
use futures::{FutureExt as _, future::BoxFuture};
use tracing::Instrument as _;

use crate::{
    execution::{failure_payload, panic_failure},
    interceptor::Wait,
    names, observe,
    run::Run,
};

pub(crate) async fn run_step(run: &Run, options: StepOptions, step: &DynStep<'_>) -> Result<Value> {
    names::check("step name", &options.name)?;
    names::check_not_ours("step name", &options.name)?;
    let Some(step_id) = options.step_id else {
        return call(run, &options, step).await;
    };
    if let Some(record) = run.replayed(step_id, &options.name).await? {
        return replay(run, record);
    }
    // A body is an effect, too.
    run.before_effect().await?;

    let started_at = run.engine.now();
    let span = observe::step_span(step_id, &options.name);
    let returned = call(run, &options, step).instrument(span).await;
    // A body that met the end of its execution has no outcome of its own.
    run.check_alive()?;
    let (outcome, returned) = settle(run, &options, step_id, returned);
    let record = StepRecord::completed(
        step_id,
        options.name,
        outcome.clone(),
        started_at,
        run.engine.now(),
    );
    let recorded = run.record(record).await?;
    observe::step_recorded(matches!(outcome, Outcome::Success(_)));
    if recorded.outcome.as_ref() == Some(&outcome) {
        returned
    } else {
        replay(run, recorded)
    }
}

/// What a checkpoint says.
pub(crate) fn replay(run: &Run, record: StepRecord) -> Result<Value> {
    match record.outcome {
        Some(Outcome::Success(payload)) => Ok(Value::stored(payload)),
        Some(Outcome::Failure(payload)) => match Failure::from_payload(&payload) {
            Ok(failure) => Err(failure),
            Err(source) => {
                let what = step_text("the failure", run, record.step_id, &record.name);
                Err(run.execution.interrupt(Error::codec(what, source)).into())
            }
        },
        // A child was started here, under the same name.
        None => {
            let called = format!("{} (as a step, not as a child)", record.name);
            Err(run.unexpected(&record, &called).into())
        }
    }
}

/// The outcome to record, and what the workflow is told: exactly what a replay will be told.
pub(crate) fn settle(
    run: &Run,
    options: &StepOptions,
    step_id: u32,
    returned: Result<Value>,
) -> (Outcome, Result<Value>) {
    let what = || step_text("the output", run, step_id, &options.name);
    match returned.and_then(|value| seal(run, options, step_id, value)) {
        Ok((payload, value)) => (Outcome::Success(payload), Ok(value)),
        Err(failure) => {
            let payload = failure_payload(&run.engine, &failure, what);
            let failure = Failure::from_payload(&payload).unwrap_or(failure);
            (Outcome::Failure(payload), Err(failure))
        }
    }
}

/// The value as it is stored, and as a replay will see it.
pub(crate) fn seal(
    run: &Run,
    options: &StepOptions,
    step_id: u32,
    value: Value,
) -> Result<(Payload, Value)> {
    let what = || step_text("the output", run, step_id, &options.name);
    let (payload, value) = value
        .seal(run.encoding)
        .map_err(|source| Failure::from(Error::codec(what(), source)))?;
    run.engine.check_size(&payload, what)?;
    Ok((payload, value))
}

fn step_text(part: &str, run: &Run, step_id: u32, name: &str) -> String {
    let workflow_id = run.workflow_id();
    format!("{part} of step {step_id} `{name}` of workflow `{workflow_id}`")
}

/// Calls the body of a step until it succeeds, or the policy gives up.
async fn call(run: &Run, options: &StepOptions, step: &DynStep<'_>) -> Result<Value> {
    let attempts = attempts(run, options, |number| {
        Box::pin(async move {
            let body = Box::pin(async move { step.call(number).await });
            let call = run.engine.attempt(run.workflow_id(), options, number, body);
            let call = AssertUnwindSafe(call).catch_unwind();
            let returned = within_time(run, options, async {
                call.await
                    .unwrap_or_else(|panic| Err(panic_failure("step", &*panic)))
            });
            Attempted::Returned(returned.await)
        })
    });
    match attempts.await {
        Attempted::Returned(returned) | Attempted::Settled(returned) => returned,
    }
}

/// What an attempt came to.
pub(crate) enum Attempted {
    /// What the body returned, which is to be recorded.
    Returned(Result<Value>),
    /// An answer that stands: it is recorded, or not meant to be.
    Settled(Result<Value>),
}

/// Makes attempts until one succeeds or settles the step, or the policy gives up.
pub(crate) async fn attempts<'a>(
    run: &Run,
    options: &StepOptions,
    attempt: impl Fn(u32) -> BoxFuture<'a, Attempted> + Send,
) -> Attempted {
    let mut failures = Vec::new();
    for number in 1.. {
        let failure = match attempt(number).await {
            Attempted::Returned(Err(failure)) => failure,
            done => return done,
        };
        let stop = run.execution.interruption().is_some() || run.execution.saw_cancellation();
        if stop || !options.retry.retries(number, &failure) {
            return Attempted::Returned(Err(exhausted(failure, failures)));
        }
        tracing::warn!(
            workflow_id = run.workflow_id(),
            step = options.name,
            attempt = number,
            error = %failure,
            "step failed and is tried again"
        );
        observe::step_retried();
        failures.push(failure.to_string());
        let pause = options.retry.delay(number, run.engine.random());
        let _waiting = run.tell_wait(|| Wait::Retry {
            step: options.name.clone(),
        });
        tokio::select! {
            biased;
            () = run.execution.cancellation().cancelled() => {
                let error = run.interrupted("it was told to stop between two attempts of a step");
                return Attempted::Returned(Err(error.into()));
            }
            () = run.engine.clock().sleep(pause) => {}
        }
    }
    Attempted::Returned(Err(Failure::msg("no attempt was made")))
}

/// The last failure, with what the attempts before it said.
fn exhausted(last: Failure, mut failures: Vec<String>) -> Failure {
    if failures.is_empty() {
        return last;
    }
    failures.push(last.to_string());
    last.with_attempts(failures)
}

/// One attempt, cut off when its time is up.
pub(crate) async fn within_time<T>(
    run: &Run,
    options: &StepOptions,
    attempt: impl Future<Output = Result<T>>,
) -> Result<T> {
    let expiry = async {
        match options.timeout {
            Some(timeout) => run.engine.clock().sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        returned = attempt => returned,
        () = expiry => {
            let millis = options.timeout.unwrap_or_default().as_millis();
            Err(Failure::msg(format!("the attempt took longer than {millis} ms")).with_code("timeout"))
        }
    }
}
