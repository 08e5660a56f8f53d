use std::sync::Arc;

use async_trait::async_trait;
use durable_api::store::{
    MessageStore, ReceiveMessage, ReceiveOutcome, SendMessage, SendOutcome, StoreResult, Wakeup,
};

use crate::{
    PostgresStore,
    effects::{self, Fenced, Received},
    error::Failure,
    steps,
};

#[async_trait]
impl MessageStore for PostgresStore {
    async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome> {
        send(self, request)
            .await
            .map_err(|failure| failure.into_store_error("send_message"))
    }

    async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome> {
        receive(self, request)
            .await
            .map_err(|failure| failure.into_store_error("receive_message"))
    }
}

async fn send(store: &PostgresStore, request: SendMessage) -> Result<SendOutcome, Failure> {
    let texts = [
        request.destination.as_str(),
        &request.topic,
        &request.message_id,
    ];
    effects::check(request.sender.as_ref(), texts, Some(&request.payload))?;

    let request = Arc::new(request);
    match effects::submit(&store.sends, Arc::clone(&request)).await? {
        Fenced::Passed(true) => {
            let hint = Wakeup::workflow(&request.destination);
            match &request.sender {
                Some(_) => store.hints.post([hint]),
                // A sender from outside may be gone at once.
                None => store.hints.give([hint]).await,
            }
            Ok(SendOutcome::Sent)
        }
        Fenced::Passed(false) => Ok(SendOutcome::UnknownDestination),
        Fenced::NotOwner => Ok(SendOutcome::NotOwner),
        Fenced::Taken => {
            let recorded = match &request.sender {
                Some(step) => {
                    steps::existing(&store.database, &step.workflow_id, step.step_id).await?
                }
                None => None,
            };
            // A checkpoint that is gone went with its workflow.
            Ok(recorded.map_or(SendOutcome::NotOwner, SendOutcome::AlreadyRecorded))
        }
    }
}

async fn receive(
    store: &PostgresStore,
    request: ReceiveMessage,
) -> Result<ReceiveOutcome, Failure> {
    effects::check(Some(&request.step), [request.topic.as_str()], None)?;

    let request = Arc::new(request);
    let step = &request.step;
    Ok(
        match effects::submit(&store.receives, Arc::clone(&request)).await? {
            Fenced::Passed(Received::Message(payload)) => ReceiveOutcome::Received(payload),
            Fenced::Passed(Received::Nothing) if request.give_up => ReceiveOutcome::GaveUp,
            Fenced::Passed(Received::Nothing) => ReceiveOutcome::Empty,
            Fenced::NotOwner => ReceiveOutcome::NotOwner,
            Fenced::Taken => {
                match steps::existing(&store.database, &step.workflow_id, step.step_id).await? {
                    Some(step) => ReceiveOutcome::AlreadyRecorded(step),
                    None => ReceiveOutcome::NotOwner,
                }
            }
        },
    )
}
