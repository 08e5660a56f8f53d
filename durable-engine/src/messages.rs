use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use durable_api::{
    Encoding, Error, Payload, Value,
    requests::{Recv, SendTo},
    store::{
        DynConnection, MessageStore, OutboxStore, Outcome, ReceiveMessage, ReceiveOutcome,
        SendMessage, SendOutcome, StepRecord,
    },
};

use crate::{
    engine::Engine, names, outage::Patience, recorded_error::RecordedError, run::Run, time::drawn,
    wait::Waited,
};

const SEND: &str = "durable.send";
const RECV: &str = "durable.recv";

/// Sends from outside any workflow.
pub(crate) async fn send(engine: &Engine, request: SendTo) -> Result<(), Error> {
    let message = message(engine, engine.config.encoding, request)?;
    match deliver(engine, &message, Patience::Transient).await? {
        SendOutcome::Sent => Ok(()),
        _ => Err(unknown(message)),
    }
}

/// Sends in a transaction of the caller's. An error is the caller's to act on: what a failed statement leaves of a transaction cannot
/// be tried again.
pub(crate) async fn send_within(
    engine: &Engine,
    request: SendTo,
    connection: &mut DynConnection,
) -> Result<(), Error> {
    let message = message(engine, engine.config.encoding, request)?;
    let store: &dyn OutboxStore = engine.store();
    match store
        .send_message_within(message.clone(), connection)
        .await?
    {
        SendOutcome::Sent => Ok(()),
        _ => Err(unknown(message)),
    }
}

/// Sends from a workflow.
pub(crate) async fn send_from(run: &Run, request: SendTo) -> Result<(), Error> {
    let operation = "send";
    let step_id = request
        .step_id
        .ok_or(Error::OutsideWorkflow { operation })?;
    let mut message = message(&run.engine, run.encoding, request)?;
    if let Some(step) = run.replayed(step_id, SEND).await? {
        return sent(run, step);
    }
    run.check_alive()?;
    run.before_effect().await?;
    message.sender = Some(run.step_ref(Some(step_id), None, SEND));
    let answer = deliver(&run.engine, &message, Patience::Mendable).await;
    match answer.map_err(|error| run.execution.interrupt(error))? {
        SendOutcome::Sent => Ok(()),
        SendOutcome::AlreadyRecorded(step) => sent(run, run.expect_name(step, SEND)?),
        SendOutcome::NotOwner => Err(run.not_owner().await),
        SendOutcome::UnknownDestination => {
            let error = unknown(message);
            let Some(recorded) = RecordedError::of(&error) else {
                return Err(error);
            };
            let now = run.engine.now();
            let outcome = Outcome::Failure(recorded.to_payload());
            let step = StepRecord::completed(step_id, SEND, outcome, now, now);
            sent(run, run.record(step).await?)
        }
    }
}

/// What the checkpoint of a send says.
fn sent(run: &Run, step: StepRecord) -> Result<(), Error> {
    match step.outcome {
        None => Ok(()),
        Some(_) => run.answer(step).map(drop),
    }
}

fn message(engine: &Engine, encoding: Encoding, request: SendTo) -> Result<SendMessage, Error> {
    names::check_derived("destination workflow id", &request.destination)?;
    names::check_optional("topic", &request.topic)?;
    if let Some(key) = &request.idempotency_key {
        names::check("idempotency key", key)?;
    }
    let what = || format!("a message to workflow `{}`", request.destination);
    let sealed = request.message.seal(encoding);
    let (payload, _) = sealed.map_err(|source| Error::codec(what(), source))?;
    engine.check_size(&payload, what)?;
    let random = || engine.config.ids.next_id().to_string();
    Ok(SendMessage::new(
        request.destination,
        request.topic,
        request.idempotency_key.unwrap_or_else(random),
        payload,
        engine.now(),
    ))
}

async fn deliver(
    engine: &Engine,
    message: &SendMessage,
    patience: Patience,
) -> Result<SendOutcome, Error> {
    let store: &dyn MessageStore = engine.store();
    engine
        .persist(patience, || store.send_message(message.clone()))
        .await
}

fn unknown(message: SendMessage) -> Error {
    Error::NotFound {
        workflow_id: message.destination,
    }
}

/// Receives, in a workflow.
pub(crate) async fn recv(run: &Run, request: Recv) -> Result<Option<Value>, Error> {
    let operation = "recv";
    let step_id = request
        .step_id
        .ok_or(Error::OutsideWorkflow { operation })?;
    names::check_optional("topic", &request.topic)?;
    if let Some(step) = run.replayed(step_id, RECV).await? {
        return Ok(received(step).map(Value::stored));
    }
    run.check_alive()?;
    let _turn = Turn::take(run, &request.topic)?;
    let mut receive = ReceiveMessage::new(
        run.step_ref(Some(step_id), None, RECV),
        &request.topic,
        run.engine.now(),
    );
    // A message that is there already costs no record of when the wait ends.
    if let Some(answer) = take(run, &receive).await? {
        return Ok(answer.map(Value::stored));
    }
    let end = || run.engine.now().saturating_add(request.timeout);
    let until = drawn(run, request.wait_step_id, "durable.recv_until", end).await?;
    let look = || take(run, &receive);
    let wait = run.engine.wait_for(run.workflow_id(), Some(until), look);
    let payload = match run.interruptible(wait).await? {
        Waited::Came(payload) => payload,
        Waited::Expired => {
            receive.give_up = true;
            take(run, &receive).await?.flatten()
        }
    };
    Ok(payload.map(Value::stored))
}

/// One try: `None` if there is nothing yet, and what the step came to otherwise.
async fn take(run: &Run, receive: &ReceiveMessage) -> Result<Option<Option<Payload>>, Error> {
    run.before_effect().await?;
    let store: &dyn MessageStore = run.engine.store();
    let answer = run
        .engine
        .persist(Patience::Mendable, || {
            let mut receive = receive.clone();
            receive.now = run.engine.now();
            store.receive_message(receive)
        })
        .await;
    match answer.map_err(|error| run.execution.interrupt(error))? {
        ReceiveOutcome::Received(payload) => Ok(Some(Some(payload))),
        ReceiveOutcome::Empty => Ok(None),
        ReceiveOutcome::GaveUp => Ok(Some(None)),
        ReceiveOutcome::AlreadyRecorded(step) => Ok(Some(received(run.expect_name(step, RECV)?))),
        ReceiveOutcome::NotOwner => Err(run.not_owner().await),
    }
}

/// What the checkpoint of a receive says.
fn received(step: StepRecord) -> Option<Payload> {
    match step.outcome {
        Some(Outcome::Success(payload)) => Some(payload),
        _ => None,
    }
}

/// The right to wait on a topic.
struct Turn<'r> {
    topics: &'r Mutex<HashSet<String>>,
    topic: String,
}

impl<'r> Turn<'r> {
    fn take(run: &'r Run, topic: &str) -> Result<Self, Error> {
        let mut topics = run.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if !topics.insert(topic.to_owned()) {
            return Err(Error::TopicTaken {
                workflow_id: run.workflow_id().to_owned(),
                topic: topic.to_owned(),
            });
        }
        Ok(Self {
            topics: &run.topics,
            topic: topic.to_owned(),
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.topics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.topic);
    }
}
