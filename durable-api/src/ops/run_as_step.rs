use std::{future::IntoFuture, marker::PhantomData, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error, Failure, Result, RetryPolicy, Step, StepFn, StepOptions, Value,
    in_flight::InFlight,
    scope::Position,
    step::{Body, step_name},
};

/// Runs `step` and records what it came to; a later run of the workflow receives the record instead.
/// Await the returned builder, or set options first.
///
/// The step takes its number now, not when it is awaited, so steps under `join!` replay alike. A step within a
/// step runs inline, unrecorded.
///
/// # Errors
/// The step's own [`Failure`], in this run as in every replay. One that holds an [`Error`]
/// ([`as_error`](Failure::as_error)) when the library had to refuse or stop.
///
/// ```no_run
/// # use durable_api::{Ctx, Result, RetryPolicy, run_as_step};
/// # async fn charge(cents: u64) -> std::io::Result<String> { Ok(String::new()) }
/// async fn pay(ctx: Ctx, cents: u64) -> Result<String> {
///     run_as_step(&ctx, || async { Ok(charge(cents).await?) })
///         .named("charge")
///         .retry(RetryPolicy::new(3))
///         .await
/// }
/// ```
pub fn run_as_step<'c, S, A>(ctx: &'c Ctx, step: S) -> RunStep<'c, S::Output>
where
    S: StepFn<A, Output: Durable> + 'c,
    A: 'static,
{
    let prepared = prepare::<S, A>(ctx, step);
    let step_id = prepared.as_ref().ok().and_then(|(step_id, _)| *step_id);
    RunStep {
        ctx,
        options: StepOptions::new(step_id, step_name::<S>()),
        body: prepared.map(|(_, body)| body),
        decode: |value| value.decode(),
    }
}

/// The step's number and erased body, or why it has no place here.
fn prepare<'c, S, A>(ctx: &Ctx, step: S) -> Result<(Option<u32>, Box<dyn Step + 'c>), Error>
where
    S: StepFn<A, Output: Durable> + 'c,
    A: 'static,
{
    let operation = "run_as_step";
    let position = ctx.position(operation)?;
    let execution = ctx
        .execution()
        .ok_or(Error::OutsideWorkflow { operation })?;
    let (recorded, step_id) = match position {
        Position::Outside => return Err(Error::OutsideWorkflow { operation }),
        Position::Step(step_id) => (Some(step_id), step_id),
        Position::Inline(step_id) => (None, step_id),
    };
    let body = Body {
        step,
        execution: Arc::clone(execution),
        step_id,
        arguments: PhantomData,
    };
    Ok((recorded, Box::new(body)))
}

/// A step about to run.
#[must_use = "a step runs when this is awaited"]
pub struct RunStep<'c, T> {
    ctx: &'c Ctx,
    options: StepOptions,
    body: Result<Box<dyn Step + 'c>, Error>,
    /// A pointer, so that only the constructor asks for `T: Durable`: a bound on `IntoFuture` would
    /// be reported once more, as "not a future".
    decode: fn(Value) -> Result<T, crate::CodecError>,
}

impl<T> RunStep<'_, T> {
    /// Names the step, so that its function can be renamed or moved while workflows with it are stored.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Tries again when the step fails.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry = policy;
        self
    }

    /// Gives up an attempt that takes longer; it then counts as failed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }
}

impl<'c, T: 'static> IntoFuture for RunStep<'c, T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let in_flight = InFlight::new(self.ctx, self.options.step_id);
        Box::pin(async move {
            let what = |name: &str| match self.options.step_id {
                Some(step_id) => format!("the output of step {step_id} `{name}`"),
                None => format!("the output of the inner step `{name}`"),
            };
            let what = format!(
                "{} of workflow `{}`",
                what(&self.options.name),
                self.ctx.execution_id()
            );
            let returned = match self.body {
                Ok(body) => self.ctx.as_dyn().run_as_step(self.options, &*body).await,
                Err(error) => Err(error.into()),
            };
            in_flight.complete().await;
            (self.decode)(returned?)
                .map_err(|source| Failure::from(self.ctx.interrupt(Error::codec(what, source))))
        })
    }
}
