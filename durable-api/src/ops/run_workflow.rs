use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error, FunctionId, IntoInput, Result, StartWorkflow, Value, Workflow,
    ops::{WorkflowHandle, workflow_handle::Decode},
};

/// Starts a workflow; inside a workflow, a child of it. Await the returned builder, or set options first.
///
/// When it returns, the workflow is recorded and will run to its end, here or elsewhere. An id that was used
/// before returns a handle on that first run: nothing is started, and the input is ignored.
///
/// # Errors
/// [`Error::NotRegistered`], [`Error::NotLaunched`], [`Error::ShutDown`]; [`Error::Conflict`] when
/// the id belongs to another kind of workflow; [`Error::InvalidName`], [`Error::PayloadTooLarge`] and
/// [`Error::Codec`] for what cannot be stored; [`Error::InsideStep`] inside a step.
pub fn run_workflow<W, I>(
    ctx: &Ctx,
    workflow: W,
    input: impl IntoInput<I>,
) -> RunWorkflow<'_, W::Output>
where
    W: Workflow<I, Output: Durable>,
    I: Durable,
{
    // Only the function's type is needed: the registry has the code.
    let _ = workflow;
    let input = Value::new(input.into_input());
    RunWorkflow {
        ctx,
        step_id: ctx.position_outside_steps("run_workflow"),
        request: StartWorkflow::function(FunctionId::of::<W>(), input),
        decode: |value| value.decode(),
    }
}

/// A workflow about to start.
#[must_use = "a workflow starts when this is awaited"]
pub struct RunWorkflow<'c, O> {
    ctx: &'c Ctx,
    step_id: Result<Option<u32>, Error>,
    request: StartWorkflow,
    decode: Decode<O>,
}

impl<O> RunWorkflow<'_, O> {
    /// Sets the id, by which a repeated request is recognised. Unless it is set, it is a random UUID, and
    /// a child's is `<parent>-<step>`.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.request.workflow_id = Some(id.into());
        self
    }

    /// Says under which of its names the function is meant.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.request.name = name.into();
        self.request.function = None;
        self
    }
}

impl<'c, O: 'static> IntoFuture for RunWorkflow<'c, O> {
    type Output = Result<WorkflowHandle<O>, Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            self.request.step_id = self.step_id?;
            let inner = self.ctx.as_dyn().run_workflow(self.request).await?;
            Ok(WorkflowHandle::with(self.ctx.clone(), inner, self.decode))
        })
    }
}
