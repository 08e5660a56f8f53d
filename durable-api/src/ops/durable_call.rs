use std::future::Future;

use futures::future::BoxFuture;

use crate::{Ctx, Error, in_flight::InFlight, scope::Position};

/// A durable call on its way: numbered now, made when awaited, and noted if it is dropped before it completes.
pub(crate) fn durable_call<'c, T, F>(
    ctx: &'c Ctx,
    step_id: Result<Option<u32>, Error>,
    call: impl FnOnce(Option<u32>) -> F + Send + 'c,
) -> BoxFuture<'c, Result<T, Error>>
where
    T: Send + 'c,
    F: Future<Output = Result<T, Error>> + Send + 'c,
{
    let in_flight = InFlight::new(ctx, step_id.clone().ok().flatten());
    Box::pin(async move {
        let answer = match step_id {
            Ok(step_id) => call(step_id).await,
            Err(error) => Err(error),
        };
        in_flight.complete().await;
        answer
    })
}

/// Where an effect stands: it is a step of its own, or inside the body of one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effect {
    pub(crate) step_id: Option<u32>,
    pub(crate) inside: Option<u32>,
}

impl Effect {
    /// An effect that is allowed in a workflow and in its steps.
    pub(crate) fn anywhere(ctx: &Ctx, operation: &'static str) -> Result<Self, Error> {
        match ctx.position(operation)? {
            Position::Outside => Err(Error::OutsideWorkflow { operation }),
            Position::Step(step_id) => Ok(Self {
                step_id: Some(step_id),
                inside: None,
            }),
            Position::Inline(step_id) => Ok(Self {
                step_id: None,
                inside: Some(step_id),
            }),
        }
    }

    /// An effect that is allowed in a workflow and outside any.
    pub(crate) fn outside_steps(ctx: &Ctx, operation: &'static str) -> Result<Self, Error> {
        let step_id = ctx.position_outside_steps(operation)?;
        Ok(Self {
            step_id,
            inside: None,
        })
    }

    /// Whether an effect in a transaction of the caller's has its place here: where it is nobody's step.
    pub(crate) fn check_within(
        effect: Result<Self, Error>,
        operation: &'static str,
    ) -> Result<(), Error> {
        match effect {
            Ok(Self { step_id: None, .. }) | Err(Error::InsideStep { .. }) => Ok(()),
            Ok(Self { .. }) => Err(Error::Unsupported(format!(
                "`{operation}` in a workflow commits with the workflow's own step; leave `within` out, or call it in the body of a transactional step"
            ))),
            Err(error) => Err(error),
        }
    }

    /// The call that has the effect.
    pub(crate) fn run<'c, T, F>(
        effect: Result<Self, Error>,
        ctx: &'c Ctx,
        call: impl FnOnce(Self) -> F + Send + 'c,
    ) -> BoxFuture<'c, Result<T, Error>>
    where
        T: Send + 'c,
        F: Future<Output = Result<T, Error>> + Send + 'c,
    {
        let inside = effect.as_ref().ok().and_then(|effect| effect.inside);
        let step_id = effect.map(|effect| effect.step_id);
        durable_call(ctx, step_id, move |step_id| call(Self { step_id, inside }))
    }
}
