use async_trait::async_trait;
use durable_api::store::{
    MessageStore, Outcome, ReceiveMessage, ReceiveOutcome, SendMessage, SendOutcome, StoreResult,
    Wakeup,
};

use crate::{
    MemoryStore,
    effect::{self, Refusal},
    error::check_texts,
    tables::Tables,
};

#[async_trait]
impl MessageStore for MemoryStore {
    async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome> {
        check_texts(
            "send_message",
            [&*request.topic, &*request.message_id]
                .into_iter()
                .chain(request.sender.iter().flat_map(effect::texts)),
        )?;
        let hint = Wakeup::workflow(&request.destination);
        let outcome = send(&mut self.tables(), request);
        self.hint([hint]);
        Ok(outcome)
    }

    async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome> {
        check_texts(
            "receive_message",
            effect::texts(&request.step).chain([&*request.topic]),
        )?;
        Ok(receive(&mut self.tables(), request))
    }
}

fn send(tables: &mut Tables, request: SendMessage) -> SendOutcome {
    match request
        .sender
        .as_ref()
        .and_then(|sender| tables.refuse(sender))
    {
        Some(Refusal::NotOwner) => return SendOutcome::NotOwner,
        Some(Refusal::AlreadyRecorded(step)) => return SendOutcome::AlreadyRecorded(step),
        None => {}
    }
    if !tables.workflows.contains_key(&request.destination) {
        return SendOutcome::UnknownDestination;
    }
    let inbox = &mut tables.of(&request.destination).inbox;
    inbox.put(request.topic, request.message_id, request.payload);
    if let Some(sender) = request.sender {
        tables.checkpoint(sender, None, request.now);
    }
    SendOutcome::Sent
}

fn receive(tables: &mut Tables, request: ReceiveMessage) -> ReceiveOutcome {
    match tables.refuse(&request.step) {
        Some(Refusal::NotOwner) => return ReceiveOutcome::NotOwner,
        Some(Refusal::AlreadyRecorded(step)) => return ReceiveOutcome::AlreadyRecorded(step),
        None => {}
    }
    let inbox = &mut tables.of(&request.step.workflow_id).inbox;
    match inbox.take(&request.topic) {
        Some(payload) => {
            let outcome = Outcome::Success(payload.clone());
            tables.checkpoint(request.step, Some(outcome), request.now);
            ReceiveOutcome::Received(payload)
        }
        None if request.give_up => {
            tables.checkpoint(request.step, None, request.now);
            ReceiveOutcome::GaveUp
        }
        None => ReceiveOutcome::Empty,
    }
}
