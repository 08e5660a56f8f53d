use std::{future::Future, time::Duration};

use uuid::Uuid;

use crate::{
    Ctx, Error, Timestamp,
    ops::durable_call::durable_call,
    requests::{Draw, Sleep},
};

/// Waits, durably: the instant of the end is recorded first, and a later run waits only for what is left.
///
/// # Errors
/// [`Error::OutsideWorkflow`], [`Error::InsideStep`]; [`Error::Cancelled`] when the workflow is cancelled meanwhile.
pub fn sleep(ctx: &Ctx, duration: Duration) -> impl Future<Output = Result<(), Error>> + Send {
    durable_call(ctx, ctx.workflow_position("sleep"), move |step_id| {
        ctx.as_dyn().sleep(Sleep::new(duration, step_id))
    })
}

/// The present time; the same at every replay.
///
/// # Errors
/// [`Error::OutsideWorkflow`], [`Error::InsideStep`].
pub fn now(ctx: &Ctx) -> impl Future<Output = Result<Timestamp, Error>> + Send {
    durable_call(ctx, ctx.workflow_position("now"), move |step_id| {
        ctx.as_dyn().now(Draw::new(step_id))
    })
}

/// A random UUID; the same at every replay.
///
/// # Errors
/// [`Error::OutsideWorkflow`], [`Error::InsideStep`].
pub fn random_uuid(ctx: &Ctx) -> impl Future<Output = Result<Uuid, Error>> + Send {
    durable_call(ctx, ctx.workflow_position("random_uuid"), move |step_id| {
        ctx.as_dyn().random_uuid(Draw::new(step_id))
    })
}
