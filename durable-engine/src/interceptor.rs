use std::{any::Any, fmt::Debug};

use durable_api::{Error, Result, StepOptions, Timestamp, Value};
use futures::future::BoxFuture;

use crate::{engine::Engine, run::Run};

/// Stands between the engine and the bodies of steps, and is told what workflows wait for. What `durable-testing` mocks steps with.
///
/// It changes nothing of what the engine does: what it returns for a body is recorded, retried and replayed as if the body had returned it.
///
/// ```
/// use durable_api::{Result, Value};
/// use durable_engine::{Attempt, Interceptor, Wait};
/// use futures::future::BoxFuture;
///
/// /// Every step named `charge` fails; all others run.
/// #[derive(Debug)]
/// struct NoMoney;
///
/// impl Interceptor for NoMoney {
///     fn attempt<'a>(
///         &'a self,
///         attempt: Attempt<'a>,
///         body: BoxFuture<'a, Result<Value>>,
///     ) -> BoxFuture<'a, Result<Value>> {
///         if attempt.step == "charge" {
///             return Box::pin(async { Err(durable_api::Failure::msg("no money")) });
///         }
///         body
///     }
///
///     fn waits(&self, _: &str, _: Wait) -> Box<dyn std::any::Any + Send> {
///         Box::new(())
///     }
/// }
/// ```
pub trait Interceptor: Debug + Send + Sync + 'static {
    /// One attempt at a step's body. `body` does not begin before it is polled; dropped, it never runs, and what is returned takes its place.
    fn attempt<'a>(
        &'a self,
        attempt: Attempt<'a>,
        body: BoxFuture<'a, Result<Value>>,
    ) -> BoxFuture<'a, Result<Value>>;

    /// A workflow begins to wait. What is returned is dropped when the wait is over, however it ends.
    fn waits(&self, workflow_id: &str, wait: Wait) -> Box<dyn Any + Send>;
}

/// An attempt at a step's body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The workflow.
    pub workflow_id: &'a str,
    /// The step's name.
    pub step: &'a str,
    /// The step's number; `None` for a step within a step.
    pub step_id: Option<u32>,
    /// Which attempt of this execution it is, from 1.
    pub number: u32,
}

/// What a workflow waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// The end of a durable sleep.
    Sleep {
        /// When it ends.
        until: Timestamp,
    },
    /// A message.
    Message {
        /// On this topic.
        topic: String,
    },
    /// An event.
    Event {
        /// Of this workflow.
        workflow_id: String,
        /// Under this key.
        key: String,
    },
    /// The next values of a stream.
    Stream {
        /// Of this workflow.
        workflow_id: String,
        /// Under this key.
        key: String,
    },
    /// The result of a workflow.
    Outcome {
        /// This workflow's.
        workflow_id: String,
    },
    /// The next attempt at a step.
    Retry {
        /// The step's name.
        step: String,
    },
}

impl Engine {
    /// One attempt at a body, by way of the interceptor if there is one.
    pub(crate) async fn attempt<'a>(
        &'a self,
        workflow_id: &'a str,
        options: &'a StepOptions,
        number: u32,
        body: BoxFuture<'a, Result<Value>>,
    ) -> Result<Value> {
        match &self.config.interceptor {
            None => body.await,
            Some(interceptor) => {
                let attempt = Attempt {
                    workflow_id,
                    step: &options.name,
                    step_id: options.step_id,
                    number,
                };
                interceptor.attempt(attempt, body).await
            }
        }
    }
}

impl Run {
    /// Waits within the workflow, and lets it be known for what.
    pub(crate) async fn waiting<T>(
        &self,
        wait: impl FnOnce() -> Wait,
        until: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let _waiting = self.tell_wait(wait);
        self.interruptible(until).await
    }

    /// Lets it be known what the workflow waits for, until the answer is dropped.
    pub(crate) fn tell_wait(&self, wait: impl FnOnce() -> Wait) -> Option<Box<dyn Any + Send>> {
        let interceptor = self.engine.config.interceptor.as_ref()?;
        Some(interceptor.waits(self.workflow_id(), wait()))
    }
}
