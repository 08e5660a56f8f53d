use std::{
    fmt,
    future::{Future, IntoFuture},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;

use crate::{
    CodecError, Ctx, Durable, Error, GetResult, Handle, Value, ops::durable_call::durable_call,
    scope::Position, store::WorkflowRecord,
};

pub(crate) type Decode<O> = fn(Value) -> Result<O, CodecError>;

/// A started workflow whose output is an `O`.
pub struct WorkflowHandle<O> {
    ctx: Ctx,
    inner: Arc<dyn Handle>,
    decode: Decode<O>,
}

impl<O> WorkflowHandle<O> {
    pub(crate) fn new(ctx: Ctx, inner: Arc<dyn Handle>) -> Self
    where
        O: Durable,
    {
        Self::with(ctx, inner, |value| value.decode())
    }

    pub(crate) fn with(ctx: Ctx, inner: Arc<dyn Handle>, decode: Decode<O>) -> Self {
        Self { ctx, inner, decode }
    }

    /// The workflow's id.
    pub fn workflow_id(&self) -> String {
        self.inner.workflow_id()
    }

    /// The workflow as it is stored now, without payloads. Inside a workflow, the answer is a recorded step.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::NotFound`] once it is deleted.
    pub fn get_status(
        &self,
    ) -> impl Future<Output = Result<WorkflowRecord, Error>> + Send + use<'_, O>
    where
        O: 'static,
    {
        let (ctx, inner) = (&self.ctx, &self.inner);
        durable_call(ctx, self.position("get_status"), move |step_id| {
            inner.get_status(step_id)
        })
    }

    /// The number of a call in the workflow that holds this handle, if it is recorded.
    fn position(&self, operation: &'static str) -> Result<Option<u32>, Error> {
        Ok(match self.ctx.position(operation)? {
            Position::Step(step_id) => Some(step_id),
            Position::Outside | Position::Inline(_) => None,
        })
    }

    /// Waits for the output, as often as you like. Inside a workflow, the answer is a recorded step.
    /// Await the returned builder, or set a timeout first.
    ///
    /// # Errors
    /// [`Error::WorkflowFailed`] with the failure that the workflow returned, [`Error::Cancelled`],
    /// [`Error::DeadLetter`]; [`Error::TimedOut`] when a timeout was set; [`Error::Interrupted`] when it ran in this
    /// process, which shut down or lost it before it ended. [`Error::Store`] when a timeout was set and the store has not answered two seconds
    /// after it; inside a workflow, the wait lasts until the store is back.
    pub fn get_result(&self) -> AwaitResult<'_, O> {
        AwaitResult {
            handle: self,
            step_id: self.position("get_result"),
            timeout: None,
        }
    }
}

impl<O> Clone for WorkflowHandle<O> {
    fn clone(&self) -> Self {
        Self {
            ctx: self.ctx.clone(),
            inner: Arc::clone(&self.inner),
            decode: self.decode,
        }
    }
}

impl<O> fmt::Debug for WorkflowHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkflowHandle").field(&self.inner).finish()
    }
}

/// A wait about to begin.
#[must_use = "the wait begins when this is awaited"]
pub struct AwaitResult<'h, O> {
    handle: &'h WorkflowHandle<O>,
    step_id: Result<Option<u32>, Error>,
    timeout: Option<Duration>,
}

impl<O> AwaitResult<'_, O> {
    /// Gives up after `timeout`, with [`Error::TimedOut`]. The workflow goes on.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl<'h, O: Send + 'static> IntoFuture for AwaitResult<'h, O> {
    type Output = Result<O, Error>;
    type IntoFuture = BoxFuture<'h, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (handle, timeout) = (self.handle, self.timeout);
        durable_call(&handle.ctx, self.step_id, move |step_id| async move {
            let mut request = GetResult::new(step_id);
            request.timeout = timeout;
            let value = handle.inner.get_result(request).await?;
            (handle.decode)(value).map_err(|source| {
                let what = format!("the output of workflow `{}`", handle.workflow_id());
                handle.ctx.interrupt(Error::codec(what, source))
            })
        })
    }
}

/// Waits for the outputs of several workflows at once, in the order of their handles. Inside a workflow, each is a recorded step.
///
/// # Errors
/// The first error, as [`WorkflowHandle::get_result`] reports it. The workflows go on.
pub async fn join_all<O: Send + 'static>(
    handles: impl IntoIterator<Item = &WorkflowHandle<O>>,
) -> Result<Vec<O>, Error> {
    let waits = handles
        .into_iter()
        .map(|handle| handle.get_result().into_future());
    futures::future::try_join_all(waits).await
}
