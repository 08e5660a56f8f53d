mod receive;
mod send;

use async_trait::async_trait;
use durable_api::store::{
    MessageStore, ReceiveMessage, ReceiveOutcome, SendMessage, SendOutcome, StoreError,
    StoreErrorKind, StoreResult,
};

use crate::{SqliteStore, effects::check_step, error::check_texts, writer::Write as _};

#[async_trait]
impl MessageStore for SqliteStore {
    async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome> {
        check_send(SendMessage::OPERATION, &request)?;
        self.write(request).await
    }

    async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome> {
        check_texts(ReceiveMessage::OPERATION, [request.topic.as_str()])?;
        check_step(ReceiveMessage::OPERATION, &request.step)?;
        if !request.step.recorded {
            return Err(
                StoreError::new(StoreErrorKind::Invalid, ReceiveMessage::OPERATION).with_message(
                    format!(
                        "workflow `{}`: a message is received by a step of its own, not inside one",
                        request.step.workflow_id
                    ),
                ),
            );
        }
        self.write(request).await
    }
}

/// Refuses what cannot be stored.
pub(crate) fn check_send(operation: &'static str, request: &SendMessage) -> StoreResult<()> {
    check_texts(
        operation,
        [
            request.destination.as_str(),
            &request.topic,
            &request.message_id,
            &request.payload.encoding,
        ],
    )?;
    match &request.sender {
        Some(sender) => check_step(operation, sender),
        None => Ok(()),
    }
}
