use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::{
    Ctx, Durable, Error, FunctionId, IntoInput, Result, Value, Workflow,
    ops::{EnqueueWorkflow, WorkflowHandle, durable_call::durable_call, workflow_handle::Decode},
    requests::StartWorkflow,
    store::Caller,
    workflow::instance_name,
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
    let input = Value::new(input.into_input());
    let function = FunctionId::of::<W, I>();
    // The code itself is not needed: the registry has it.
    let request = match workflow.instance() {
        Some(instance) => StartWorkflow::named(instance_name(function.path(), instance), input),
        None => StartWorkflow::function(function, input),
    };
    RunWorkflow::with(ctx, request, |value| value.decode())
}

/// The context, the step, the request, and how to read the output.
type Parts<'c, O> = (
    &'c Ctx,
    Result<Option<u32>, Error>,
    StartWorkflow,
    Decode<O>,
);

/// A workflow about to start.
#[must_use = "a workflow starts when this is awaited"]
pub struct RunWorkflow<'c, O> {
    ctx: &'c Ctx,
    step_id: Result<Option<u32>, Error>,
    request: StartWorkflow,
    decode: Decode<O>,
}

impl<'c, O> RunWorkflow<'c, O> {
    pub(crate) fn with(ctx: &'c Ctx, mut request: StartWorkflow, decode: Decode<O>) -> Self {
        request.scope = ctx.start_scope();
        Self {
            ctx,
            step_id: ctx.position_outside_steps("run_workflow"),
            request,
            decode,
        }
    }

    pub(crate) fn into_parts(self) -> Parts<'c, O> {
        (self.ctx, self.step_id, self.request, self.decode)
    }

    /// Lets it wait in a queue until an executor takes it; see [`enqueue`](crate::enqueue).
    pub fn queue(self, queue: impl Into<String>) -> EnqueueWorkflow<'c, O> {
        EnqueueWorkflow::new(self, queue.into())
    }

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

    /// Says on whose behalf it runs. A child runs on its parent's, unless it is set.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.request.caller = Some(caller);
        self
    }

    /// Attaches a JSON value, by which the workflow can be listed.
    pub fn attribute(
        mut self,
        name: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.request.attributes.insert(name.into(), value.into());
        self
    }
}

impl<'c, O: Send + 'static> IntoFuture for RunWorkflow<'c, O> {
    type Output = Result<WorkflowHandle<O>, Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (ctx, mut request, decode) = (self.ctx, self.request, self.decode);
        durable_call(ctx, self.step_id, move |step_id| async move {
            request.step_id = step_id;
            let inner = ctx.as_dyn().run_workflow(request).await?;
            Ok(WorkflowHandle::with(ctx.clone(), inner, decode))
        })
    }
}
