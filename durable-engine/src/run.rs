use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use durable_api::{
    Encoding, Error, Execution, Payload, WorkflowStatus,
    store::{
        Outcome, Owner, Payloads, RecordOutcome, RecordStep, StepRecord, StepRef, WorkflowStore,
    },
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::OwnedMutexGuard;

use crate::{
    engine::Engine,
    inbox::Inbox,
    messages::{RECV, received},
    outage::Patience,
    recorded_error::RecordedError,
    rehearsal::Rehearsal,
};

/// One execution, as its durable calls see it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) engine: Arc<Engine>,
    pub(crate) execution: Arc<Execution>,
    pub(crate) owner: Owner,
    pub(crate) encoding: Encoding,
    /// Checkpoints of earlier executions that this one has not come to yet.
    history: Mutex<HashMap<u32, StepRecord>>,
    pub(crate) inbox: Arc<Inbox>,
    /// A record of dropped calls that is not known to be written, with its number. The lock is held while it is written, so that no
    /// effect overtakes it.
    dropping: Arc<tokio::sync::Mutex<Option<StepRecord>>>,
    /// Of a run that may have no effect: what it comes to.
    rehearsal: Option<Arc<Rehearsal>>,
    this: Weak<Self>,
}

/// The name of the engine's own step that says which durable calls were dropped before they completed.
pub(crate) const DROPPED: &str = "durable.dropped";

impl Run {
    pub(crate) fn new(
        engine: Arc<Engine>,
        execution: Arc<Execution>,
        owner: Owner,
        encoding: Encoding,
        history: Vec<StepRecord>,
        rehearsal: Option<Arc<Rehearsal>>,
    ) -> Arc<Self> {
        let (own, history): (Vec<_>, Vec<_>) =
            history.into_iter().partition(|step| step.name == DROPPED);
        let history: HashMap<_, _> = history
            .into_iter()
            .map(|step| (step.step_id, step))
            .collect();
        let (dropped, inbox) = replay_dropped(&execution, &own, &history);
        execution.replay_numbers(own.iter().map(|step| step.step_id), dropped);
        replay_order(&execution, &own, &history);
        Arc::new_cyclic(|this| Self {
            engine,
            execution,
            owner,
            encoding,
            history: Mutex::new(history),
            inbox,
            dropping: Arc::default(),
            rehearsal,
            this: Weak::clone(this),
        })
    }

    /// This run, to be held by a task of its own.
    pub(crate) fn shared(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    pub(crate) fn workflow_id(&self) -> &str {
        self.execution.workflow_id()
    }

    /// An error if this execution must stop, so that it does no more work in vain. One whose code was told to stop goes another way than
    /// it would have gone, and must leave no trace of that.
    pub(crate) fn check_alive(&self) -> Result<(), Error> {
        if let Some(error) = self.execution.interruption() {
            return Err(error);
        }
        if self.execution.saw_cancellation() {
            return Err(self.interrupted("it was told to stop"));
        }
        Ok(())
    }

    /// The checkpoint of a step, if an earlier execution came so far. A call that an earlier execution dropped never completes, so
    /// that it is dropped again.
    pub(crate) async fn replayed(
        &self,
        step_id: u32,
        name: &str,
    ) -> Result<Option<StepRecord>, Error> {
        if self.execution.is_abandoned(step_id) {
            std::future::pending::<()>().await;
        }
        let step = self
            .history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&step_id);
        match step {
            Some(step) => {
                self.note_met(step_id);
                self.expect_name(step, name).map(Some)
            }
            None => {
                self.note_beyond(step_id, name);
                Ok(None)
            }
        }
    }

    /// What a rehearsal notes or knows; nothing, in a run that is none.
    pub(crate) fn rehearse<T>(&self, note: impl FnOnce(&Rehearsal) -> T) -> Option<T> {
        self.rehearsal.as_deref().map(note)
    }

    fn note_met(&self, step_id: u32) {
        if let Some(rehearsal) = &self.rehearsal
            && self.execution.interruption().is_none()
        {
            rehearsal.met(step_id);
        }
    }

    fn note_beyond(&self, step_id: u32, name: &str) {
        if let Some(rehearsal) = &self.rehearsal {
            rehearsal.beyond(step_id, name);
        }
    }

    /// The recorded calls that the code has not made and that it must still make, by number.
    pub(crate) fn unmet(&self) -> BTreeMap<u32, String> {
        let abandoned = |step_id| self.execution.is_abandoned(step_id);
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history
            .values()
            .filter(|step| match &self.rehearsal {
                Some(rehearsal) => rehearsal.expects(step.step_id, abandoned),
                None => !abandoned(step.step_id),
            })
            .map(|step| (step.step_id, step.name.clone()))
            .collect()
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

    /// Whether the checkpoint of a step is there, and which. It stays.
    pub(crate) fn peek_name(&self, step_id: u32) -> Option<String> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.get(&step_id).map(|step| step.name.clone())
    }

    /// Whether an earlier execution left a checkpoint beyond this number.
    pub(crate) fn went_past(&self, step_id: u32) -> bool {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.keys().any(|recorded| *recorded > step_id)
    }

    /// The step of a call that has an effect.
    pub(crate) fn step_ref(
        &self,
        step_id: Option<u32>,
        inside: Option<u32>,
        name: &str,
    ) -> StepRef {
        let (id, owner, now) = (self.workflow_id(), self.owner, self.engine.now());
        match (step_id, inside) {
            (Some(step_id), _) => {
                let mut step = StepRef::recorded(id, owner, step_id, name, now);
                step.completions = self.execution.completions();
                step
            }
            (None, inside) => StepRef::inside(id, owner, inside.unwrap_or_default(), now),
        }
    }

    /// The checkpoint of an effect was written.
    pub(crate) fn stored(&self, step: &StepRef) {
        if step.recorded {
            self.execution
                .stored_completions(step.completions.as_deref());
        }
    }

    /// The error for a workflow that is not this execution's any more. Ends it.
    pub(crate) async fn not_owner(&self) -> Error {
        let store: &dyn WorkflowStore = self.engine.store();
        let found = self
            .engine
            .persist("get_workflow", Patience::Mendable, || {
                store.get_workflow(self.workflow_id(), Payloads::Omit)
            })
            .await;
        let workflow_id = self.workflow_id().to_owned();
        self.execution.interrupt(match found {
            Ok(Some(record)) if record.status == WorkflowStatus::Cancelled => {
                Error::Cancelled { workflow_id }
            }
            _ => Error::NotOwner { workflow_id },
        })
    }

    /// Why the execution was signalled to stop while it waited. Ends it.
    pub(crate) fn stopped(&self) -> Error {
        self.interrupted("it was told to stop while it waited")
    }

    /// What comes before every effect: it is recorded which durable calls were dropped, since the effect may follow from that. A rehearsal goes no further.
    pub(crate) async fn before_effect(&self) -> Result<(), Error> {
        self.check_alive()?;
        if let Some(rehearsal) = &self.rehearsal {
            rehearsal.end().await;
            return Err(self.interrupted("a rehearsal has no effects"));
        }
        let pending = Arc::clone(&self.dropping).lock_owned().await;
        let (Some(run), true) = (
            self.this.upgrade(),
            pending.is_some() || self.execution.has_abandoned(),
        ) else {
            return Ok(());
        };
        // In a task of its own: the call that comes here may itself be dropped, or not be polled while others wait for the lock.
        let write = tokio::spawn(async move { run.write_dropped(pending).await });
        write.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    async fn write_dropped(
        &self,
        mut pending: OwnedMutexGuard<Option<StepRecord>>,
    ) -> Result<(), Error> {
        loop {
            let step = match &*pending {
                Some(step) => step.clone(),
                None => {
                    let dropped = self.execution.take_abandoned();
                    if dropped.is_empty() {
                        return Ok(());
                    }
                    pending.insert(self.dropped_step(&dropped)?).clone()
                }
            };
            self.write(step).await?;
            *pending = None;
        }
    }

    fn dropped_step(&self, dropped: &[u32]) -> Result<StepRecord, Error> {
        let dropped: Vec<_> = dropped
            .iter()
            .map(|step_id| Dropped {
                step_id: *step_id,
                topic: self.inbox.topic_of(*step_id),
            })
            .collect();
        let payload = Encoding::Json
            .encode(&dropped)
            .map_err(|source| Error::codec("the numbers of dropped calls", source))?;
        let now = self.engine.now();
        let step_id = self.execution.take_own_number();
        let outcome = Outcome::Success(payload);
        Ok(StepRecord::completed(step_id, DROPPED, outcome, now, now))
    }

    /// An error that says something of this execution, not of what the workflow asked for: it ends it.
    fn unrecorded(&self, error: Error) -> Error {
        match error {
            Error::Store(_)
            | Error::ShutDown { .. }
            | Error::Interrupted { .. }
            | Error::NotOwner { .. }
            | Error::UnexpectedStep { .. }
            | Error::Codec { .. } => self.execution.interrupt(error),
            other => other,
        }
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
        self.note_beyond(step.step_id, &step.name);
        self.before_effect().await?;
        self.write(step).await
    }

    async fn write(&self, mut step: StepRecord) -> Result<StepRecord, Error> {
        step.completions = self.execution.completions();
        let request = RecordStep::new(self.workflow_id(), self.owner, step);
        let answer = self
            .engine
            .persist("record_step", Patience::Mendable, || {
                self.engine.store().record_step(request.clone())
            })
            .await;
        match answer {
            Ok(RecordOutcome::Recorded) => {
                let completions = request.step.completions.as_deref();
                self.execution.stored_completions(completions);
                Ok(request.step)
            }
            Ok(RecordOutcome::AlreadyRecorded(step)) => self.expect_name(step, &request.step.name),
            Ok(RecordOutcome::NotOwner) => Err(self.not_owner().await),
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
        if let Some(step) = self.replayed(step_id, name).await? {
            return self.answer(step);
        }
        self.before_effect().await?;
        let started_at = self.engine.now();
        let outcome = match call.await {
            Ok(payload) => Outcome::Success(payload),
            Err(error) => match RecordedError::of(&error) {
                Some(recorded) => Outcome::Failure(recorded.to_payload()),
                None => return Err(self.unrecorded(error)),
            },
        };
        let mut step = StepRecord::completed(step_id, name, outcome, started_at, self.engine.now());
        step.child_id = subject.map(str::to_owned);
        let step = self.record(step).await?;
        self.answer(step)
    }

    pub(crate) fn answer(&self, step: StepRecord) -> Result<Payload, Error> {
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

impl Engine {
    /// An answer of the library's own, as it is recorded.
    pub(crate) fn seal_answer<T: Serialize>(
        &self,
        encoding: Encoding,
        name: &str,
        answer: &T,
    ) -> Result<Payload, Error> {
        let what = || format!("the answer of `{name}`");
        let sealed = encoding.encode(answer);
        let payload = sealed.map_err(|source| Error::codec(what(), source))?;
        self.check_size(&payload, what)?;
        Ok(payload)
    }

    /// An answer that holds a payload of the store: that passed the limit when it was written, and what frames it does not count.
    pub(crate) fn seal_stored<T: Serialize>(
        &self,
        name: &str,
        answer: &T,
    ) -> Result<Payload, Error> {
        let sealed = Encoding::Bincode.encode(answer);
        sealed.map_err(|source| Error::codec(format!("the answer of `{name}`"), source))
    }
}

impl Run {
    /// An answer of the library's own that was recorded.
    pub(crate) fn open_answer<T: DeserializeOwned>(
        &self,
        name: &str,
        payload: &Payload,
    ) -> Result<T, Error> {
        payload.decode().map_err(|source| {
            let what = format!(
                "the answer of `{name}` in workflow `{}`",
                self.workflow_id()
            );
            self.execution.interrupt(Error::codec(what, source))
        })
    }
}

/// What the checkpoints say of the order in which calls completed. What cannot be read ends the execution.
fn replay_order(execution: &Execution, own: &[StepRecord], history: &HashMap<u32, StepRecord>) {
    // What was written last is what counts: a fork goes its own way from what it was given.
    let mut said: Vec<_> = own
        .iter()
        .chain(history.values())
        .filter_map(|step| {
            Some((
                step.completed_at,
                step.step_id,
                step.completions.as_deref()?,
            ))
        })
        .collect();
    said.sort_unstable();
    let said = said.into_iter().map(|(.., completions)| completions);
    if let Err(reason) = execution.replay_order(history.keys().copied(), said) {
        let what = format!(
            "the order of calls in workflow `{}`",
            execution.workflow_id()
        );
        execution.interrupt(Error::codec(what, reason));
    }
}

/// A call that was dropped before it completed.
#[derive(Serialize, Deserialize)]
struct Dropped {
    step_id: u32,
    /// Of a receive that had begun: its topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
}

/// What earlier executions dropped: the numbers of the calls, and the messages that were taken for them. A note that cannot be read ends the
/// execution.
fn replay_dropped(
    execution: &Execution,
    notes: &[StepRecord],
    history: &HashMap<u32, StepRecord>,
) -> (Vec<u32>, Arc<Inbox>) {
    let mut dropped: Vec<Dropped> = Vec::new();
    for note in notes {
        let Some(Outcome::Success(payload)) = &note.outcome else {
            continue;
        };
        match payload.decode::<Vec<Dropped>>() {
            Ok(calls) => dropped.extend(calls),
            Err(source) => {
                let (step_id, id) = (note.step_id, execution.workflow_id());
                let what = format!("step {step_id} `{DROPPED}` of workflow `{id}`");
                execution.interrupt(Error::codec(what, source));
            }
        }
    }
    dropped.sort_unstable_by_key(|call| call.step_id);
    let inbox = Inbox::default();
    for call in &dropped {
        let taken = history.get(&call.step_id).filter(|step| step.name == RECV);
        let message = taken.cloned().and_then(received);
        if let (Some(topic), Some(message)) = (&call.topic, message) {
            inbox.keep(topic, call.step_id, message);
        }
    }
    let numbers = dropped.iter().map(|call| call.step_id).collect();
    (numbers, Arc::new(inbox))
}
