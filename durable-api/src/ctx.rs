use std::{any::Any, fmt, sync::Arc, time::Duration};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Caller, Context, Durable, Error, Timestamp, Value,
    scope::{Execution, Position, outside},
    values::Values,
};

/// The durable context: the root one, which manages a whole application, or the one that a
/// workflow is given.
///
/// Cheap to clone; clones of a workflow's context share its step counter. Every operation is a free
/// function that takes `&Ctx` first, such as [`run_workflow`](crate::run_workflow).
#[derive(Clone)]
pub struct Ctx {
    inner: Arc<dyn Context>,
    /// The run of a workflow that this context belongs to; none for a root.
    execution: Option<Arc<Execution>>,
    start: StartScope,
    values: Values,
}

/// What a context hands to the workflows that are started with it.
#[derive(Clone, Debug, Default)]
pub struct StartScope {
    /// How long they may take.
    pub timeout: Option<Duration>,
    /// Whether they are free of the deadline and the cancellation of the workflow that starts them.
    pub detached: bool,
    /// Cancels them when it fires.
    pub cancellation: Option<CancellationToken>,
}

/// Cancels the workflows that were started with a context made by [`Ctx::with_cancel`].
#[derive(Clone, Debug)]
pub struct Canceller(CancellationToken);

impl Canceller {
    /// Cancels them, durably, as [`cancel_workflow`](crate::cancel_workflow) would. Returns at once.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Cancels them when the returned guard is dropped.
    pub fn drop_guard(self) -> DropGuard {
        self.0.drop_guard()
    }
}

impl Ctx {
    /// A workflow's context over any [`Context`]: how a test hands a mock to a workflow.
    pub fn new(inner: impl Context) -> Self {
        Self::with(
            Arc::new(inner),
            Some(Execution::mocked()),
            Values::default(),
        )
    }

    /// A root context: what an engine hands to the program.
    pub fn root(inner: Arc<dyn Context>) -> Self {
        Self::with(inner, None, Values::default())
    }

    /// The context of one run of a workflow: what an engine hands to the workflow's function. `values` are those of
    /// the context that the workflow was registered with.
    pub fn for_execution(
        inner: Arc<dyn Context>,
        execution: Arc<Execution>,
        values: Values,
    ) -> Self {
        Self::with(inner, Some(execution), values)
    }

    fn with(inner: Arc<dyn Context>, execution: Option<Arc<Execution>>, values: Values) -> Self {
        Self {
            inner,
            execution,
            start: StartScope::default(),
            values,
        }
    }

    /// This context, with a time limit for the workflows that are started with it. Their clock starts when they
    /// do; at its end they are `CANCELLED`, durably, wherever they are. Inside a workflow, a child that inherits an earlier
    /// deadline keeps that.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let mut derived = self.clone();
        let shorter = self.start.timeout.map_or(timeout, |set| set.min(timeout));
        derived.start.timeout = Some(shorter);
        derived
    }

    /// This context, with a way to cancel the workflows that are started with it, while this process lives.
    #[must_use]
    pub fn with_cancel(&self) -> (Self, Canceller) {
        let mut derived = self.clone();
        let token = match &self.start.cancellation {
            Some(outer) => outer.child_token(),
            None => CancellationToken::new(),
        };
        derived.start.cancellation = Some(token.clone());
        (derived, Canceller(token))
    }

    /// This context, without time limit and cancellation: a child that is started with it does not inherit the
    /// deadline of its parent, and is not cancelled with it.
    #[must_use]
    pub fn without_cancel(&self) -> Self {
        let mut derived = self.clone();
        derived.start = StartScope {
            detached: true,
            ..StartScope::default()
        };
        derived
    }

    /// This context, with a value that is found by its type: a connection pool, say. Workflows see the values of the
    /// context that they were **registered** with, in every execution, recoveries included.
    #[must_use]
    pub fn with_value<T: Any + Send + Sync>(&self, value: T) -> Self {
        let mut derived = self.clone();
        derived.values = self.values.with(value);
        derived
    }

    /// The value of that type which was added last.
    pub fn value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.values.get()
    }

    pub(crate) fn values(&self) -> Values {
        self.values.clone()
    }

    pub(crate) fn start_scope(&self) -> StartScope {
        self.start.clone()
    }

    /// When the workflow that this context belongs to is cancelled, if it has not ended.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.execution.as_ref()?.deadline()
    }

    /// The type-erased operations. Calls made here pass by the step numbering: they are for engines and mocks.
    pub fn as_dyn(&self) -> &dyn Context {
        &*self.inner
    }

    /// The id of the workflow that this context belongs to; `None` for a root.
    pub fn workflow_id(&self) -> Option<String> {
        self.inner.workflow_id()
    }

    /// The number of the step whose body is running; `None` outside one.
    pub fn step_id(&self) -> Option<u32> {
        self.execution.as_ref()?.current_step()
    }

    /// Whether this workflow should stop: it was cancelled, or its engine shuts down. A run that was
    /// told so is not taken at its word any more: what it returns is not recorded.
    pub fn is_cancelled(&self) -> bool {
        self.execution
            .as_ref()
            .is_some_and(|execution| execution.look_cancelled())
    }

    /// Completes when this workflow should stop; never, on a root context.
    pub async fn cancelled(&self) {
        match &self.execution {
            Some(execution) => execution.wait_cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// On whose behalf the workflow that this context belongs to runs.
    pub fn caller(&self) -> Option<&Caller> {
        Some(self.execution.as_ref()?.caller())
    }

    /// Takes the next step number, if the call is made by a workflow.
    pub(crate) fn position(&self, operation: &'static str) -> Result<Position, Error> {
        match &self.execution {
            Some(execution) => execution.position(operation),
            None => outside(operation),
        }
    }

    /// As [`position`](Self::position), for calls that have no place inside a step.
    pub(crate) fn position_outside_steps(
        &self,
        operation: &'static str,
    ) -> Result<Option<u32>, Error> {
        match self.position(operation)? {
            Position::Outside => Ok(None),
            Position::Step(step_id) => Ok(Some(step_id)),
            Position::Inline(step_id) => Err(Error::InsideStep {
                operation,
                workflow_id: self.execution_id(),
                step_id,
            }),
        }
    }

    /// As [`position_outside_steps`](Self::position_outside_steps), for calls that only a workflow may make.
    pub(crate) fn workflow_position(&self, operation: &'static str) -> Result<Option<u32>, Error> {
        match self.position_outside_steps(operation)? {
            Some(step_id) => Ok(Some(step_id)),
            None => Err(Error::OutsideWorkflow { operation }),
        }
    }

    /// Another number for a call that has taken one already.
    pub(crate) fn second_number(&self, step_id: &Result<Option<u32>, Error>) -> Option<u32> {
        match (step_id, &self.execution) {
            (Ok(Some(_)), Some(execution)) => Some(execution.take_own_number()),
            _ => None,
        }
    }

    /// The position of a call that takes its number later, if at all.
    pub(crate) fn peek_position(&self, operation: &'static str) -> Result<Position, Error> {
        match &self.execution {
            Some(execution) => execution.peek_position(operation),
            None => outside(operation),
        }
    }

    /// The value of an answer. One that is of another type ends the execution.
    pub(crate) fn decode<T: Durable>(
        &self,
        value: Option<Value>,
        what: String,
    ) -> Result<Option<T>, Error> {
        value
            .map(Value::decode)
            .transpose()
            .map_err(|source| self.interrupt(Error::codec(what, source)))
    }

    pub(crate) fn execution(&self) -> Option<&Arc<Execution>> {
        self.execution.as_ref()
    }

    /// Ends the execution without an outcome, if this context belongs to one. Returns `error`.
    pub(crate) fn interrupt(&self, error: Error) -> Error {
        match &self.execution {
            Some(execution) => execution.interrupt(error),
            None => error,
        }
    }

    pub(crate) fn execution_id(&self) -> String {
        self.execution
            .as_ref()
            .map(|execution| execution.workflow_id().to_owned())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field(
                "workflow_id",
                &self.execution.as_ref().map(|e| e.workflow_id()),
            )
            .finish_non_exhaustive()
    }
}
