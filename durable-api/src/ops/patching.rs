use std::future::Future;

use crate::{Ctx, Error, requests::Patch, scope::Position};

/// Whether the code goes the new way at the change called `name`: `true` for workflows that come here for the first time with this code,
/// `false` for those that had gone past this place before the change was made.
///
/// ```no_run
/// # use durable_api::{Ctx, Result, patch};
/// # async fn new_way(_: &Ctx) -> Result<()> { Ok(()) }
/// # async fn old_way(_: &Ctx) -> Result<()> { Ok(()) }
/// async fn checkout(ctx: Ctx, _order: u64) -> Result<()> {
///     if patch(&ctx, "ask-for-a-signature").await? {
///         new_way(&ctx).await
///     } else {
///         old_way(&ctx).await
///     }
/// }
/// ```
///
/// # Errors
/// [`Error::OutsideWorkflow`], [`Error::InsideStep`].
pub fn patch<'c>(
    ctx: &'c Ctx,
    name: impl Into<String>,
) -> impl Future<Output = Result<bool, Error>> + Send + 'c {
    let name = name.into();
    async move {
        let in_workflow = check(ctx, "patch")?;
        ctx.as_dyn()
            .patch(Patch::new(name, false, in_workflow))
            .await
    }
}

/// Takes the place of [`patch`] once no workflow needs the old way any more: it accepts the mark that `patch` left, and leaves none.
/// When no workflow with the mark is left either, this call can go.
///
/// # Errors
/// As [`patch`].
pub fn deprecate_patch<'c>(
    ctx: &'c Ctx,
    name: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    let name = name.into();
    async move {
        let in_workflow = check(ctx, "deprecate_patch")?;
        ctx.as_dyn()
            .patch(Patch::new(name, true, in_workflow))
            .await
            .map(drop)
    }
}

/// A patch takes a number only where it leaves a mark, so the number is not taken here.
fn check(ctx: &Ctx, operation: &'static str) -> Result<bool, Error> {
    match ctx.peek_position(operation)? {
        Position::Outside => Err(Error::OutsideWorkflow { operation }),
        Position::Step(_) => Ok(true),
        Position::Inline(step_id) => Err(Error::InsideStep {
            operation,
            workflow_id: ctx.execution_id(),
            step_id,
        }),
    }
}
