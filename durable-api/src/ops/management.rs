use std::future::Future;

use crate::{
    Ctx, Durable, Error,
    ops::{WorkflowHandle, durable_call::durable_call},
    requests::{Aggregate, Draw, ListWorkflows, Lookup, Manage, Retention, SetAttributes, Version},
    store::{
        AggregateWorkflows, BulkOutcome, StepRecord, VersionRecord, WorkflowFilter, WorkflowGroup,
        WorkflowPage,
    },
};

/// A handle on a workflow that was started anywhere, whose output is an `O`.
///
/// # Errors
/// [`Error::NotFound`].
pub fn retrieve_workflow<'c, O: Durable>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
) -> impl Future<Output = Result<WorkflowHandle<O>, Error>> + Send + 'c {
    let workflow_id = workflow_id.into();
    let step_id = ctx.position_outside_steps("retrieve_workflow");
    durable_call(ctx, step_id, move |step_id| async move {
        let request = Lookup::new(workflow_id, step_id);
        let inner = ctx.as_dyn().retrieve_workflow(request).await?;
        Ok(WorkflowHandle::new(ctx.clone(), inner))
    })
}

/// One page of the workflows of this application that meet a filter.
///
/// # Errors
/// [`Error::Store`]. A row that cannot be read is no error: the page names it.
pub fn list_workflows(
    ctx: &Ctx,
    filter: WorkflowFilter,
) -> impl Future<Output = Result<WorkflowPage, Error>> + Send {
    let step_id = ctx.position_outside_steps("list_workflows");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .list_workflows(ListWorkflows::new(filter, step_id))
    })
}

/// The checkpoints of a workflow, in the order of their numbers.
///
/// # Errors
/// [`Error::NotFound`].
pub fn list_steps<'c>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
) -> impl Future<Output = Result<Vec<StepRecord>, Error>> + Send + 'c {
    let workflow_id = workflow_id.into();
    let step_id = ctx.position_outside_steps("list_steps");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn().list_steps(Lookup::new(workflow_id, step_id))
    })
}

/// Counts the workflows of this application that meet a filter, in groups.
///
/// # Errors
/// [`Error::Store`].
pub fn aggregate_workflows(
    ctx: &Ctx,
    query: AggregateWorkflows,
) -> impl Future<Output = Result<Vec<WorkflowGroup>, Error>> + Send {
    let step_id = ctx.position_outside_steps("aggregate_workflows");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .aggregate_workflows(Aggregate::new(query, step_id))
    })
}

/// Cancels a workflow, wherever it runs: it is `CANCELLED` at once, and its execution notices at its next durable call; a durable
/// sleep or receive wakes at once. One that has ended stays as it is.
///
/// # Errors
/// [`Error::NotFound`].
pub fn cancel_workflow<'c>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    manage(
        ctx,
        "cancel_workflow",
        vec![workflow_id.into()],
        false,
        |ctx, request| ctx.as_dyn().cancel_workflow(request),
    )
}

/// Cancels workflows, in one transaction; with their children and theirs, if `children` is set.
///
/// # Errors
/// [`Error::Store`]. Unknown ids are no error: the answer names them.
pub fn cancel_workflows(
    ctx: &Ctx,
    ids: Vec<String>,
    children: bool,
) -> impl Future<Output = Result<BulkOutcome, Error>> + Send {
    manage(ctx, "cancel_workflows", ids, children, |ctx, request| {
        ctx.as_dyn().cancel_workflows(request)
    })
}

/// Lets a cancelled workflow or a dead letter go on from its last completed step, without its old deadline. One that has
/// finished or is running stays as it is. Returns a handle on it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn resume_workflow<'c, O: Durable>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
) -> impl Future<Output = Result<WorkflowHandle<O>, Error>> + Send + 'c {
    let ids = vec![workflow_id.into()];
    manage(
        ctx,
        "resume_workflow",
        ids,
        false,
        |ctx, request| async move {
            let inner = ctx.as_dyn().resume_workflow(request).await?;
            Ok(WorkflowHandle::new(ctx.clone(), inner))
        },
    )
}

/// Resumes workflows, in one transaction.
///
/// # Errors
/// [`Error::Store`]. Unknown ids are no error: the answer names them.
pub fn resume_workflows(
    ctx: &Ctx,
    ids: Vec<String>,
) -> impl Future<Output = Result<BulkOutcome, Error>> + Send {
    manage(ctx, "resume_workflows", ids, false, |ctx, request| {
        ctx.as_dyn().resume_workflows(request)
    })
}

/// Deletes a workflow, with all that belongs to it. One that runs writes no more.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete_workflow<'c>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    manage(
        ctx,
        "delete_workflow",
        vec![workflow_id.into()],
        false,
        |ctx, request| ctx.as_dyn().delete_workflow(request),
    )
}

/// Deletes workflows, in one transaction; with their children and theirs, if `children` is set.
///
/// # Errors
/// [`Error::Store`]. Unknown ids are no error: the answer names them.
pub fn delete_workflows(
    ctx: &Ctx,
    ids: Vec<String>,
    children: bool,
) -> impl Future<Output = Result<BulkOutcome, Error>> + Send {
    manage(ctx, "delete_workflows", ids, children, |ctx, request| {
        ctx.as_dyn().delete_workflows(request)
    })
}

/// Cancels every workflow of this application that has not ended and meets a filter, page by page: all that were created before a time,
/// say. A filter that names statuses means those only.
///
/// # Errors
/// [`Error::Store`]; some may be cancelled by then.
///
/// ```no_run
/// # use durable_api::{Ctx, Error, Timestamp, cancel_all, store::WorkflowFilter};
/// # async fn example(ctx: &Ctx, monday: Timestamp) -> Result<(), Error> {
/// let mut older = WorkflowFilter::new();
/// older.created_before = Some(monday);
/// let cancelled = cancel_all(ctx, older).await?;
/// println!("{} cancelled", cancelled.changed.len());
/// # Ok(())
/// # }
/// ```
pub fn cancel_all(
    ctx: &Ctx,
    filter: WorkflowFilter,
) -> impl Future<Output = Result<BulkOutcome, Error>> + Send {
    let step_id = ctx.position_outside_steps("cancel_all");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn().cancel_all(ListWorkflows::new(filter, step_id))
    })
}

fn manage<'c, T, F>(
    ctx: &'c Ctx,
    operation: &'static str,
    ids: Vec<String>,
    children: bool,
    call: impl FnOnce(&'c Ctx, Manage) -> F + Send + 'c,
) -> impl Future<Output = Result<T, Error>> + Send + 'c
where
    T: Send + 'c,
    F: Future<Output = Result<T, Error>> + Send + 'c,
{
    let step_id = ctx.position_outside_steps(operation);
    durable_call(ctx, step_id, move |step_id| {
        call(ctx, Manage::new(ids, children, step_id))
    })
}

/// Replaces the attributes of a workflow: JSON values by which it can be listed.
///
/// # Errors
/// [`Error::NotFound`].
pub fn set_attributes<'c>(
    ctx: &'c Ctx,
    workflow_id: impl Into<String>,
    attributes: serde_json::Map<String, serde_json::Value>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    let workflow_id = workflow_id.into();
    let step_id = ctx.position_outside_steps("set_attributes");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .set_attributes(SetAttributes::new(workflow_id, attributes, step_id))
    })
}

/// Deletes the workflows of this application that ended before a time, or beyond the latest so many, in batches; returns how many.
/// With both conditions, a workflow must meet both; without any, nothing is deleted.
///
/// # Errors
/// [`Error::Store`].
pub fn delete_finished(
    ctx: &Ctx,
    completed_before: Option<crate::Timestamp>,
    keep_latest: Option<u64>,
) -> impl Future<Output = Result<u64, Error>> + Send {
    let step_id = ctx.position_outside_steps("delete_finished");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .delete_finished(Retention::new(completed_before, keep_latest, step_id))
    })
}

/// The versions of this application, the latest first.
///
/// # Errors
/// [`Error::Store`].
pub fn list_versions(ctx: &Ctx) -> impl Future<Output = Result<Vec<VersionRecord>, Error>> + Send {
    let step_id = ctx.position_outside_steps("list_versions");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn().list_versions(Draw::new(step_id))
    })
}

/// Makes a registered version of this application the latest, which takes unversioned work.
///
/// # Errors
/// [`Error::UnknownVersion`] when it was never registered.
pub fn set_latest_version<'c>(
    ctx: &'c Ctx,
    version: impl Into<String>,
) -> impl Future<Output = Result<(), Error>> + Send + 'c {
    let version = version.into();
    let step_id = ctx.position_outside_steps("set_latest_version");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .set_latest_version(Version::new(version, step_id))
    })
}
