use std::{fmt, sync::Arc};

use crate::{
    Context, Error,
    scope::{Execution, Position, outside},
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
}

impl Ctx {
    /// A workflow's context over any [`Context`]: how a test hands a mock to a workflow.
    pub fn new(inner: impl Context) -> Self {
        Self {
            inner: Arc::new(inner),
            execution: Some(Execution::mocked()),
        }
    }

    /// A root context: what an engine hands to the program.
    pub fn root(inner: Arc<dyn Context>) -> Self {
        Self {
            inner,
            execution: None,
        }
    }

    /// The context of one run of a workflow: what an engine hands to the workflow's function.
    pub fn for_execution(inner: Arc<dyn Context>, execution: Arc<Execution>) -> Self {
        Self {
            inner,
            execution: Some(execution),
        }
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
