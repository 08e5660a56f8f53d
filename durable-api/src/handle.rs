use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Durable, Encoding, Error, Timestamp, Value, WorkflowStatus, store::WorkflowRecord};

/// A started workflow, type-erased.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Handle: Debug + Send + Sync + 'static {
    /// The workflow's id.
    fn workflow_id(&self) -> String;

    /// The workflow as it is stored now, without payloads. `step_id` is the caller's step, if the caller is a workflow: the answer is then recorded.
    async fn get_status(&self, step_id: Option<u32>) -> Result<WorkflowRecord, Error>;

    /// Waits for the output.
    async fn get_result(&self, request: GetResult) -> Result<Value, Error>;
}

/// A request to wait for a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetResult {
    /// How long to wait; for ever, if `None`.
    pub timeout: Option<Duration>,
    /// The caller's step, if the caller is a workflow: the result is then recorded.
    pub step_id: Option<u32>,
}

impl GetResult {
    /// Waits for ever.
    pub fn new(step_id: Option<u32>) -> Self {
        Self {
            timeout: None,
            step_id,
        }
    }
}

/// A handle whose result is known already: what a mock returns.
#[derive(Debug)]
pub struct ReadyHandle {
    record: WorkflowRecord,
    result: Result<crate::Payload, Error>,
}

impl ReadyHandle {
    /// A handle on workflow `id` that yields `output`.
    pub fn of<T: Durable>(id: impl Into<String>, output: T) -> Arc<dyn Handle> {
        let id = id.into();
        let result = Value::new(output)
            .seal(Encoding::Json)
            .map(|(payload, _)| payload)
            .map_err(|source| Error::codec(format!("the output of `{id}`"), source));
        Self::with(id, WorkflowStatus::Success, result)
    }

    /// A handle on workflow `id` that yields `error`.
    pub fn failed(id: impl Into<String>, error: Error) -> Arc<dyn Handle> {
        Self::with(id.into(), WorkflowStatus::Error, Err(error))
    }

    fn with(
        id: String,
        status: WorkflowStatus,
        result: Result<crate::Payload, Error>,
    ) -> Arc<dyn Handle> {
        let record = WorkflowRecord::new(id, "", "", status, Timestamp::default());
        Arc::new(Self { record, result })
    }
}

#[async_trait]
impl Handle for ReadyHandle {
    fn workflow_id(&self) -> String {
        self.record.id.clone()
    }

    async fn get_status(&self, _step_id: Option<u32>) -> Result<WorkflowRecord, Error> {
        Ok(self.record.clone())
    }

    async fn get_result(&self, _request: GetResult) -> Result<Value, Error> {
        self.result.clone().map(Value::stored)
    }
}
