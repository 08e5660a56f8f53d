use std::time::Duration;

use crate::{Ctx, Durable, Error, RegisterOptions, Registration, ShutdownReport, Workflow};

/// Registers a workflow under its function's path, before [`launch`]. Its executions see the
/// [values](Ctx::with_value) of this context.
///
/// # Errors
/// [`Error::AlreadyRegistered`], [`Error::AlreadyLaunched`], and [`Error::Unnamed`] for a closure or
/// function pointer, which [`register_workflow_with`] can name.
pub fn register_workflow<W, I>(ctx: &Ctx, workflow: W) -> Result<(), Error>
where
    W: Workflow<I, Output: Durable>,
    I: Durable,
{
    register_workflow_with(ctx, workflow, RegisterOptions::new())
}

/// Registers a workflow, with options.
///
/// # Errors
/// As [`register_workflow`], and [`Error::InvalidName`].
pub fn register_workflow_with<W, I>(
    ctx: &Ctx,
    workflow: W,
    options: RegisterOptions,
) -> Result<(), Error>
where
    W: Workflow<I, Output: Durable>,
    I: Durable,
{
    let registration = Registration::new(workflow, options, ctx.values())?;
    ctx.as_dyn().register_workflow(registration)
}

/// The names of the workflows that are registered in this process, in order.
pub fn registered_workflows(ctx: &Ctx) -> Vec<String> {
    ctx.as_dyn().registered_workflows()
}

/// Starts to take up work: registers this executor and its version, and recovers the workflows that
/// belong to it or were left by an executor that is gone.
///
/// # Errors
/// [`Error::AlreadyLaunched`]; [`Error::Startup`] when the store refuses.
pub async fn launch(ctx: &Ctx) -> Result<(), Error> {
    ctx.as_dyn().launch().await
}

/// Ends in order: takes up no more work, signals the running workflows, waits for them up to `timeout`, and hands
/// those that are left back to the store, `PENDING`, where another executor may take them up at once. Their code is dropped before
/// that, where it stands; if it blocks its thread, it is given 100 ms, and can write no more after those.
///
/// Repeating it is harmless.
///
/// # Errors
/// [`Error::Store`] when the work could not be handed back; it is then recovered as after a crash.
pub async fn shutdown(ctx: &Ctx, timeout: Duration) -> Result<ShutdownReport, Error> {
    ctx.as_dyn().shutdown(timeout).await
}
