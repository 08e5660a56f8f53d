use std::future::{Future, IntoFuture};

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error,
    ops::{WorkflowHandle, durable_call::durable_call},
    requests::{Fork, ForkFrom, ForkMany, Forks},
};

/// Makes a new workflow out of the first steps of another one, in whatever status that is: those before `from` are copied, with the events and streams as they stood
/// then, and the new workflow goes on from there. Await the returned builder, or set id and version first.
///
/// # Errors
/// [`Error::NotFound`] when there is no such workflow; [`Error::Conflict`] when the new id is taken.
pub fn fork_workflow<O: Durable>(
    ctx: &Ctx,
    workflow_id: impl Into<String>,
    from: ForkFrom,
) -> ForkWorkflow<'_, O> {
    ForkWorkflow {
        ctx,
        step_id: ctx.position_outside_steps("fork_workflow"),
        request: Fork::new(workflow_id.into(), from, None, None, None),
        output: std::marker::PhantomData,
    }
}

/// Forks several workflows alike, in one transaction, under new ids, as [`fork_workflow`] does one.
///
/// # Errors
/// [`Error::Store`]. Unknown ids are no error: the answer names them.
pub fn fork_workflows(
    ctx: &Ctx,
    workflow_ids: Vec<String>,
    from: ForkFrom,
) -> impl Future<Output = Result<Forks, Error>> + Send {
    let step_id = ctx.position_outside_steps("fork_workflows");
    durable_call(ctx, step_id, move |step_id| {
        ctx.as_dyn()
            .fork_workflows(ForkMany::new(workflow_ids, from, step_id))
    })
}

/// A fork about to be made.
#[must_use = "a fork is made when this is awaited"]
pub struct ForkWorkflow<'c, O> {
    ctx: &'c Ctx,
    step_id: Result<Option<u32>, Error>,
    request: Fork,
    output: std::marker::PhantomData<fn() -> O>,
}

impl<O> ForkWorkflow<'_, O> {
    /// Sets the new workflow's id.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.request.workflow_id = Some(id.into());
        self
    }

    /// Sets the application version that it belongs to.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.request.version = Some(version.into());
        self
    }

    /// Lets it wait in a queue. Unless it is set, it starts at once, whatever queue the source came by.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.request.queue = Some(queue.into());
        self
    }
}

impl<'c, O: Durable> IntoFuture for ForkWorkflow<'c, O> {
    type Output = Result<WorkflowHandle<O>, Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (ctx, mut request) = (self.ctx, self.request);
        durable_call(ctx, self.step_id, move |step_id| async move {
            request.step_id = step_id;
            let inner = ctx.as_dyn().fork_workflow(request).await?;
            Ok(WorkflowHandle::new(ctx.clone(), inner))
        })
    }
}
