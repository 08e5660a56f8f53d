use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use durable_api::{
    Encoding, Error, Execution, Payload,
    store::{Outcome, Owner, RecordOutcome, RecordStep, StepRecord},
};

use crate::{engine::Engine, outage::Patience, recorded_error::RecordedError};

/// One execution, as its durable calls see it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) engine: Arc<Engine>,
    pub(crate) execution: Arc<Execution>,
    pub(crate) owner: Owner,
    pub(crate) encoding: Encoding,
    /// Checkpoints of earlier executions that this one has not come to yet.
    history: Mutex<HashMap<u32, StepRecord>>,
}

impl Run {
    pub(crate) fn new(
        engine: Arc<Engine>,
        execution: Arc<Execution>,
        owner: Owner,
        encoding: Encoding,
        history: Vec<StepRecord>,
    ) -> Self {
        let history = history
            .into_iter()
            .map(|step| (step.step_id, step))
            .collect();
        Self {
            engine,
            execution,
            owner,
            encoding,
            history: Mutex::new(history),
        }
    }

    pub(crate) fn workflow_id(&self) -> &str {
        self.execution.workflow_id()
    }

    /// An error if this execution must stop, so that it does no more work in vain.
    pub(crate) fn check_alive(&self) -> Result<(), Error> {
        self.execution.interruption().map_or(Ok(()), Err)
    }

    /// The checkpoint of a step, if an earlier execution came so far.
    pub(crate) fn replayed(&self, step_id: u32, name: &str) -> Result<Option<StepRecord>, Error> {
        let step = self
            .history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&step_id);
        match step {
            Some(step) => self.expect_name(step, name).map(Some),
            None => Ok(None),
        }
    }

    /// Refuses a checkpoint that another step left: the code changed, or is not deterministic.
    pub(crate) fn expect_name(&self, step: StepRecord, name: &str) -> Result<StepRecord, Error> {
        if step.name == name {
            Ok(step)
        } else {
            Err(self.unexpected(&step, name))
        }
    }

    /// The error for a checkpoint that is not the called step's. Ends the execution.
    pub(crate) fn unexpected(&self, step: &StepRecord, called: &str) -> Error {
        self.execution.interrupt(Error::UnexpectedStep {
            workflow_id: self.workflow_id().to_owned(),
            step_id: step.step_id,
            recorded: step.name.clone(),
            called: called.to_owned(),
        })
    }

    /// The error for a workflow that another execution owns. Ends this one.
    pub(crate) fn not_owner(&self) -> Error {
        self.execution.interrupt(Error::NotOwner {
            workflow_id: self.workflow_id().to_owned(),
        })
    }

    /// The error for an execution that must leave off here and is recovered later. Ends it.
    pub(crate) fn interrupted(&self, reason: &str) -> Error {
        self.execution.interrupt(Error::Interrupted {
            workflow_id: self.workflow_id().to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// Records a checkpoint. What counts is the checkpoint that is returned: one that was there
    /// before, if there was one.
    pub(crate) async fn record(&self, step: StepRecord) -> Result<StepRecord, Error> {
        let request = RecordStep::new(self.workflow_id(), self.owner, step);
        let answer = self
            .engine
            .persist(Patience::Mendable, || {
                self.engine.store().record_step(request.clone())
            })
            .await;
        match answer {
            Ok(RecordOutcome::Recorded) => Ok(request.step),
            Ok(RecordOutcome::AlreadyRecorded(step)) => self.expect_name(step, &request.step.name),
            Ok(RecordOutcome::NotOwner) => Err(self.not_owner()),
            Err(error) => Err(self.execution.interrupt(error)),
        }
    }

    /// A call of the library's own as a step: its answer is recorded, and so is a refusal that a
    /// replay must meet again. Outside the numbering, it is simply made.
    pub(crate) async fn recorded_call(
        &self,
        step_id: Option<u32>,
        name: &'static str,
        subject: Option<&str>,
        call: impl Future<Output = Result<Payload, Error>> + Send,
    ) -> Result<Payload, Error> {
        let Some(step_id) = step_id else {
            return call.await;
        };
        if let Some(step) = self.replayed(step_id, name)? {
            return self.answer(step);
        }
        self.check_alive()?;
        let started_at = self.engine.now();
        let outcome = match call.await {
            Ok(payload) => Outcome::Success(payload),
            Err(error) => match RecordedError::of(&error) {
                Some(recorded) => Outcome::Failure(recorded.to_payload()),
                None => return Err(error),
            },
        };
        let mut step = StepRecord::completed(step_id, name, outcome, started_at, self.engine.now());
        step.child_id = subject.map(str::to_owned);
        let step = self.record(step).await?;
        self.answer(step)
    }

    fn answer(&self, step: StepRecord) -> Result<Payload, Error> {
        match step.outcome {
            Some(Outcome::Success(payload)) => Ok(payload),
            Some(Outcome::Failure(payload)) => match payload.decode::<RecordedError>() {
                Ok(recorded) => Err(recorded.into_error()),
                Err(source) => {
                    let what = format!("{} of workflow `{}`", step.name, self.workflow_id());
                    Err(self.execution.interrupt(Error::codec(what, source)))
                }
            },
            None => Err(self.unexpected(&step, &step.name)),
        }
    }
}
