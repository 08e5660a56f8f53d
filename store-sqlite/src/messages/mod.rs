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
        check_texts(
            SendMessage::OPERATION,
            [
                request.destination.as_str(),
                &request.topic,
                &request.message_id,
                &request.payload.encoding,
            ],
        )?;
        if let Some(sender) = &request.sender {
            check_step(SendMessage::OPERATION, sender)?;
        }
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
