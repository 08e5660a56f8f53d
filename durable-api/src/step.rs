use std::{any::type_name, future::Future, marker::PhantomData, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::{Durable, Result, RetryPolicy, Value, scope::Execution};

/// A step's body. Implemented for every `Fn() -> impl Future<Output = Result<T>>` and every
/// `Fn(StepContext) -> impl Future<Output = Result<T>>`; never implement it yourself.
///
/// It is called once for each attempt, and may borrow from the workflow.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step",
    label = "expected a function or closure like `|| async {{ Ok(value) }}`",
    note = "a step is an `async fn` without arguments, or with one, a `StepContext`; wrap any other in a closure: `|| charge(&order)`",
    note = "pass the function itself, do not call it",
    note = "it returns a `durable::Result<T>`; errors of other types become a `durable::Failure` by `?`: `|| async {{ Ok(call().await?) }}`",
    note = "its future is `Send`: nothing like an `Rc` or a lock guard is held across an `.await`"
)]
pub trait StepFn<Arguments>: Send + Sync {
    /// What the step returns.
    type Output;

    /// Runs the body once.
    fn call(&self, context: StepContext) -> impl Future<Output = Result<Self::Output>> + Send;
}

impl<F, Fut, T> StepFn<()> for F
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<T>> + Send,
{
    type Output = T;

    fn call(&self, _context: StepContext) -> impl Future<Output = Result<T>> + Send {
        self()
    }
}

impl<F, Fut, T> StepFn<(StepContext,)> for F
where
    F: Fn(StepContext) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T>> + Send,
{
    type Output = T;

    fn call(&self, context: StepContext) -> impl Future<Output = Result<T>> + Send {
        self(context)
    }
}

/// What a step's body may know about the attempt it is.
#[derive(Clone, Debug)]
pub struct StepContext {
    execution: Arc<Execution>,
    step_id: u32,
    attempt: u32,
}

impl StepContext {
    /// The workflow's id.
    pub fn workflow_id(&self) -> &str {
        self.execution.workflow_id()
    }

    /// The step's number in its workflow, from 0.
    pub fn step_id(&self) -> u32 {
        self.step_id
    }

    /// Which attempt of this execution this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The same text at every attempt of this step, after recoveries too, and different for every
    /// other step: what to give to a service that recognises repeated requests.
    pub fn idempotency_key(&self) -> String {
        format!("{}-{}", self.workflow_id(), self.step_id)
    }

    /// Whether the workflow should stop. A body that takes long looks now and then. The outcome of a body that
    /// was told so is not recorded: the step runs again when the workflow goes on.
    pub fn is_cancelled(&self) -> bool {
        self.execution.look_cancelled()
    }

    /// Completes when the workflow should stop.
    pub async fn cancelled(&self) {
        self.execution.wait_cancelled().await;
    }
}

/// A step's body, type-erased.
pub trait Step: Send + Sync {
    /// Runs the body once, as attempt number `attempt` (from 1).
    fn call(&self, attempt: u32) -> BoxFuture<'_, Result<Value>>;
}

/// A borrowed step.
//
// An alias, because mockall's expansion of `&'a (dyn Step + 'a)` trips `unused_parens`.
pub type DynStep<'a> = dyn Step + 'a;

/// How to run a step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepOptions {
    /// Its number in the workflow; `None` for one inside another step, which is not recorded.
    pub step_id: Option<u32>,
    /// Its name, which a replay must meet again.
    pub name: String,
    /// When to try again.
    pub retry: RetryPolicy,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
}

impl StepOptions {
    /// Options of a step that is tried once, without a timeout.
    pub fn new(step_id: Option<u32>, name: impl Into<String>) -> Self {
        Self {
            step_id,
            name: name.into(),
            retry: RetryPolicy::none(),
            timeout: None,
        }
    }
}

/// A typed body on its way to becoming a [`Step`].
pub(crate) struct Body<S, A> {
    pub(crate) step: S,
    pub(crate) execution: Arc<Execution>,
    pub(crate) step_id: u32,
    pub(crate) arguments: PhantomData<fn(A)>,
}

impl<S, A> Step for Body<S, A>
where
    S: StepFn<A, Output: Durable>,
{
    fn call(&self, attempt: u32) -> BoxFuture<'_, Result<Value>> {
        let context = StepContext {
            execution: Arc::clone(&self.execution),
            step_id: self.step_id,
            attempt,
        };
        let body = async move { Ok(Value::new(self.step.call(context).await?)) };
        Box::pin(self.execution.enter_step(self.step_id, Box::pin(body)))
    }
}

/// The name that a step has unless it is given one: its function's path.
pub(crate) fn step_name<S>() -> String {
    type_name::<S>().to_owned()
}
