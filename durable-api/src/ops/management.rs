use crate::{
    Ctx, Durable, Error, ListWorkflows, Lookup,
    ops::WorkflowHandle,
    store::{StepRecord, WorkflowFilter, WorkflowPage},
};

/// A handle on a workflow that was started anywhere, whose output is an `O`.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn retrieve_workflow<O: Durable>(
    ctx: &Ctx,
    workflow_id: impl Into<String>,
) -> Result<WorkflowHandle<O>, Error> {
    let request = lookup(ctx, "retrieve_workflow", workflow_id)?;
    let inner = ctx.as_dyn().retrieve_workflow(request).await?;
    Ok(WorkflowHandle::new(ctx.clone(), inner))
}

/// One page of the workflows of this application that meet a filter.
///
/// # Errors
/// [`Error::Store`]. A row that cannot be read is no error: the page names it.
pub async fn list_workflows(ctx: &Ctx, filter: WorkflowFilter) -> Result<WorkflowPage, Error> {
    let step_id = ctx.position_outside_steps("list_workflows")?;
    ctx.as_dyn()
        .list_workflows(ListWorkflows::new(filter, step_id))
        .await
}

/// The checkpoints of a workflow, in the order of their numbers.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn list_steps(
    ctx: &Ctx,
    workflow_id: impl Into<String>,
) -> Result<Vec<StepRecord>, Error> {
    let request = lookup(ctx, "list_steps", workflow_id)?;
    ctx.as_dyn().list_steps(request).await
}

fn lookup(
    ctx: &Ctx,
    operation: &'static str,
    workflow_id: impl Into<String>,
) -> Result<Lookup, Error> {
    let step_id = ctx.position_outside_steps(operation)?;
    Ok(Lookup::new(workflow_id, step_id))
}
