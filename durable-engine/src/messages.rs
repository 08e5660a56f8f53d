use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use durable_api::{
    Encoding, Error, Payload, Value,
    requests::{Recv, SendTo},
    store::{
        DynConnection, MessageStore, OutboxStore, Outcome, ReceiveMessage, ReceiveOutcome,
        SendMessage, SendOutcome, StepRecord,
    },
};

use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::{
    engine::Engine,
    enqueue::unsupported_within,
    inbox::{Inbox, Turn},
    interceptor::Wait,
    names,
    outage::Patience,
    recorded_error::RecordedError,
    run::Run,
    time::drawn,
    wait::Waited,
};

const SEND: &str = "durable.send";
pub(crate) const RECV: &str = "durable.recv";

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
    let answer = store
        .send_message_within(message.clone(), connection)
        .await
        .map_err(|error| unsupported_within("send", error))?;
    match answer {
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
        SendOutcome::Sent => {
            message.sender.iter().for_each(|step| run.stored(step));
            Ok(())
        }
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
        .persist("send_message", patience, || {
            store.send_message(message.clone())
        })
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
        let payload = received(step);
        if payload.is_some() {
            run.inbox.claim(&request.topic, step_id);
        }
        return Ok(payload.map(Value::stored));
    }
    run.check_alive()?;
    let turn = Turn::take(&run.inbox, run.workflow_id(), &request.topic, step_id);
    let turn = run.interruptible(turn).await?;
    let mut receive = ReceiveMessage::new(
        run.step_ref(Some(step_id), None, RECV),
        &request.topic,
        run.engine.now(),
    );
    // A message that is there already costs no record of when the wait ends.
    let payload = match take(run, &turn, &receive).await? {
        Some(answer) => answer,
        None => {
            let end = || run.engine.now().saturating_add(request.timeout);
            let until = drawn(run, request.wait_step_id, "durable.recv_until", end).await?;
            let look = || take(run, &turn, &receive);
            let wait = run.engine.wait_for(run.workflow_id(), Some(until), look);
            let topic = || Wait::Message {
                topic: request.topic.clone(),
            };
            match run.waiting(topic, wait).await? {
                Waited::Came(payload) => payload,
                Waited::Expired => {
                    receive.give_up = true;
                    take(run, &turn, &receive).await?.flatten()
                }
            }
        }
    };
    run.inbox.complete(step_id);
    Ok(payload.map(Value::stored))
}

/// What one try comes to: `None` if there is nothing yet, and what the step came to otherwise.
type Taken = Option<Option<Payload>>;

/// One try, in a task of its own: a message that is taken from the store must not be lost with a receive that is dropped meanwhile.
async fn take(run: &Run, turn: &Turn, receive: &ReceiveMessage) -> Result<Taken, Error> {
    let Some(shared) = run.shared() else {
        return Err(run.stopped());
    };
    let (answer, answered) = oneshot::channel();
    let pending = Pending {
        inbox: &run.inbox,
        receive,
        answered,
    };
    let (receive, turn) = (receive.clone(), turn.clone());
    let task = async move {
        let taken = try_take(&shared, &receive).await;
        // The turn goes with the answer: whoever has the answer may begin the next receive at once.
        if let Err((Ok(Some(Some(payload))), _turn)) = answer.send((taken, turn)) {
            shared
                .inbox
                .keep(&receive.topic, receive.step.step_id, payload);
        }
    };
    tokio::spawn(task.in_current_span());
    match pending.await {
        Ok((taken, _turn)) => taken,
        Err(_) => Err(run.stopped()),
    }
}

/// The answer that a receive waits for.
struct Pending<'r> {
    inbox: &'r Inbox,
    receive: &'r ReceiveMessage,
    answered: oneshot::Receiver<(Result<Taken, Error>, Turn)>,
}

impl Future for Pending<'_> {
    type Output = Result<(Result<Taken, Error>, Turn), oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answered).poll(context)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.answered.is_terminated() {
            return;
        }
        let topic = &self.receive.topic;
        self.inbox.leaving(topic);
        self.answered.close();
        // The answer may have come without being looked at.
        if let Ok((Ok(Some(Some(payload))), _turn)) = self.answered.try_recv() {
            self.inbox.keep(topic, self.receive.step.step_id, payload);
        }
    }
}

async fn try_take(run: &Run, receive: &ReceiveMessage) -> Result<Taken, Error> {
    let (topic, step_id) = (&receive.topic, receive.step.step_id);
    if let Some(payload) = run.inbox.unclaimed(topic, step_id) {
        let (started_at, now) = (receive.step.started_at, run.engine.now());
        let outcome = Outcome::Success(payload);
        let step = StepRecord::completed(step_id, RECV, outcome, started_at, now);
        let step = run.record(step).await?;
        run.inbox.claim(topic, step_id);
        return Ok(Some(received(step)));
    }
    run.before_effect().await?;
    let store: &dyn MessageStore = run.engine.store();
    let answer = run
        .engine
        .persist("receive_message", Patience::Mendable, || {
            let mut receive = receive.clone();
            receive.now = run.engine.now();
            store.receive_message(receive)
        })
        .await;
    let answer = answer.map_err(|error| run.execution.interrupt(error))?;
    if let ReceiveOutcome::Received(_) | ReceiveOutcome::GaveUp = &answer {
        run.stored(&receive.step);
    }
    match answer {
        ReceiveOutcome::Received(payload) => Ok(Some(Some(payload))),
        ReceiveOutcome::Empty => Ok(None),
        ReceiveOutcome::GaveUp => Ok(Some(None)),
        ReceiveOutcome::AlreadyRecorded(step) => Ok(Some(received(run.expect_name(step, RECV)?))),
        ReceiveOutcome::NotOwner => Err(run.not_owner().await),
    }
}

/// What the checkpoint of a receive says.
pub(crate) fn received(step: StepRecord) -> Option<Payload> {
    match step.outcome {
        Some(Outcome::Success(payload)) => Some(payload),
        _ => None,
    }
}
