use std::future::Future;

use crate::{
    Ctx, Error,
    ops::durable_call::durable_call,
    requests::{Import, Lookup},
    store::WorkflowArchive,
};

/// A workflow with its steps, events, streams and waiting messages, as one value that serializes to JSON: to keep it elsewhere, or to move it to another
/// store.
///
/// # Errors
/// [`Error::NotFound`].
///
/// ```no_run
/// # use durable_api::{Ctx, Result, export_workflow, import_workflow};
/// # async fn example(here: &Ctx, there: &Ctx) -> Result<()> {
/// let archive = export_workflow(here, "order-7").await?;
/// let json = serde_json::to_string(&archive)?;
/// import_workflow(there, serde_json::from_str(&json)?).await?;
/// # Ok(())
/// # }
/// ```
pub fn export_workflow<'c>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
) -> impl Future<Output = Result<WorkflowArchive, Error>> + Send + 'c {
    let workflow_id = workflow_id.into();
    let step_id = ctx.position_outside_steps("export_workflow");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .export_workflow(Lookup::new(workflow_id, step_id))
    })
}

/// Writes a workflow that was exported, with all that belongs to it. One that had not ended belongs to nobody, so that any executor of its application
/// and version may take it up.
///
/// # Errors
/// [`Error::Conflict`] when the id is taken.
pub fn import_workflow(
    ctx: &Ctx,
    archive: WorkflowArchive,
) -> impl Future<Output = Result<(), Error>> + Send {
    let step_id = ctx.position_outside_steps("import_workflow");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn().import_workflow(Import::new(archive, step_id))
    })
}
