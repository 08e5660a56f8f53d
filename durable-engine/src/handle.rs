use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use durable_api::{
    Encoding, Error, Failure, GetResult, Handle, Payload, Value, WorkflowStatus,
    store::{Outcome, Payloads, WorkflowRecord, WorkflowStore},
};

use crate::{
    engine::Engine,
    interceptor::Wait,
    outage::Patience,
    run::Run,
    running::{Ended, Running},
    start::Started,
    wait::Waited,
};

/// The name under which a workflow records the result that it waited for.
const RESULT: &str = "durable.get_result";

/// The name under which it records the status that it asked for.
const STATUS: &str = "durable.get_status";

/// A handle on a workflow in this process or another.
pub(crate) struct EngineHandle {
    engine: Arc<Engine>,
    workflow_id: String,
    /// The execution that holds the handle, if a workflow does.
    holder: Option<Arc<Run>>,
    /// The workflow's execution, if it was in this process when the handle was made.
    running: Option<Arc<Running>>,
}

impl EngineHandle {
    pub(crate) fn new(engine: Arc<Engine>, started: Started, holder: Option<Arc<Run>>) -> Self {
        Self {
            engine,
            workflow_id: started.id,
            holder,
            running: started.running,
        }
    }

    async fn wait(&self, timeout: Option<Duration>) -> Result<Payload, Error> {
        let expiry = async {
            match timeout {
                Some(timeout) => {
                    self.engine.clock().sleep(timeout).await;
                    timeout
                }
                None => std::future::pending().await,
            }
        };
        let outcome = async { self.result_of(self.outcome().await?) };
        tokio::select! {
            biased;
            result = outcome => result,
            timeout = expiry => Err(Error::TimedOut {
                workflow_id: self.workflow_id.clone(),
                status: self.record(Payloads::Omit).await?.status,
                millis: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    /// Waits for the outcome: from the execution, if it is in this process, or else from the store.
    async fn outcome(&self) -> Result<Outcome, Error> {
        if let Some(running) = &self.running {
            let ended = tokio::select! {
                biased;
                ended = running.ended() => ended,
                () = running.lost() => Ended::Elsewhere,
            };
            match ended {
                Ended::Recorded(outcome) => return Ok(outcome),
                // A workflow waits on: what it waits for goes on elsewhere.
                Ended::Interrupted(error) if self.holder.is_none() => return Err(error),
                Ended::Interrupted(_) => {}
                Ended::Elsewhere => {}
            }
        }
        let look = || async {
            let record = self.record(Payloads::Outcome).await?;
            Ok(record.status.is_final().then_some(record))
        };
        match self.engine.wait_for(&self.workflow_id, None, look).await? {
            Waited::Came(record) => final_outcome(record),
            Waited::Expired => unreachable!("a wait without an end does not expire"),
        }
    }

    fn result_of(&self, outcome: Outcome) -> Result<Payload, Error> {
        match outcome {
            Outcome::Success(payload) => Ok(payload),
            Outcome::Failure(payload) => {
                let workflow_id = self.workflow_id.clone();
                let failure = Failure::from_payload(&payload).map_err(|source| {
                    Error::codec(format!("the failure of workflow `{workflow_id}`"), source)
                })?;
                Err(Error::WorkflowFailed {
                    workflow_id,
                    failure,
                })
            }
        }
    }

    async fn record(&self, payloads: Payloads) -> Result<WorkflowRecord, Error> {
        let store: &dyn WorkflowStore = self.engine.store();
        self.engine
            .persist("get_workflow", Patience::Transient, || {
                store.get_workflow(&self.workflow_id, payloads)
            })
            .await?
            .ok_or_else(|| Error::NotFound {
                workflow_id: self.workflow_id.clone(),
            })
    }
}

/// What a workflow that has ended answers to those who wait for it.
fn final_outcome(record: WorkflowRecord) -> Result<Outcome, Error> {
    let workflow_id = record.id;
    match record.status {
        WorkflowStatus::Cancelled => Err(Error::Cancelled { workflow_id }),
        WorkflowStatus::MaxRecoveryAttemptsExceeded => Err(Error::DeadLetter {
            workflow_id,
            attempts: record.recovery_attempts,
        }),
        _ => record.outcome.ok_or_else(|| Error::Interrupted {
            workflow_id,
            reason: "its outcome is missing in the store".to_owned(),
        }),
    }
}

#[async_trait]
impl Handle for EngineHandle {
    fn workflow_id(&self) -> String {
        self.workflow_id.clone()
    }

    async fn get_status(&self, step_id: Option<u32>) -> Result<WorkflowRecord, Error> {
        let Some(run) = &self.holder else {
            return self.record(Payloads::Omit).await;
        };
        let sealed = async {
            let record = self.record(Payloads::Omit).await?;
            // JSON, because a record holds attributes, which are JSON.
            self.engine.seal_answer(Encoding::Json, STATUS, &record)
        };
        let subject = Some(self.workflow_id.as_str());
        let payload = run.recorded_call(step_id, STATUS, subject, sealed).await?;
        run.open_answer(STATUS, &payload)
    }

    async fn get_result(&self, request: GetResult) -> Result<Value, Error> {
        let call = self.wait(request.timeout);
        let payload = match &self.holder {
            Some(run) => {
                let outcome = || Wait::Outcome {
                    workflow_id: self.workflow_id.clone(),
                };
                let call = run.waiting(outcome, call);
                let subject = Some(self.workflow_id.as_str());
                run.recorded_call(request.step_id, RESULT, subject, call)
                    .await?
            }
            None => match request.timeout {
                Some(timeout) => {
                    self.engine
                        .answered_within(timeout, "get_workflow", call)
                        .await?
                }
                None => call.await?,
            },
        };
        Ok(Value::stored(payload))
    }
}

impl fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.workflow_id).finish()
    }
}
