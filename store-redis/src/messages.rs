use async_trait::async_trait;
use durable_api::store::{
    MessageStore, ReceiveMessage, ReceiveOutcome, SendMessage, SendOutcome, StoreResult,
};

use crate::{
    RedisStore,
    call::Call,
    effect::{self, Judged, judged},
    error::{check_texts, damaged, malformed},
    framed, record, reply,
    script::{RECEIVE_MESSAGE, SEND_MESSAGE},
    steps::about,
};

#[async_trait]
impl MessageStore for RedisStore {
    async fn send_message(&self, request: SendMessage) -> StoreResult<SendOutcome> {
        const OPERATION: &str = "send_message";
        let texts = [&*request.topic, &*request.message_id];
        let sender = request.sender.as_ref();
        check_texts(
            OPERATION,
            texts
                .into_iter()
                .chain(sender.into_iter().flat_map(effect::texts)),
        )?;
        let (keys, id) = (self.keys(), &request.destination);
        let known = [
            keys.workflow(id),
            keys.sent(id),
            keys.inbox(id),
            keys.messages(id),
        ];
        let mut call = Call::new(&SEND_MESSAGE, OPERATION, known)
            .arg(keys.base())
            .arg(id)
            .arg(&request.topic)
            .arg(&request.message_id)
            .bytes(framed::pack(&request.payload));
        if let Some(sender) = sender {
            call.key(keys.workflow(&sender.workflow_id));
            call.key(keys.steps(&sender.workflow_id));
            call = effect::add(call.arg(&sender.workflow_id), sender, request.now);
        }
        let value = call
            .write(self.link())
            .await
            .map_err(|error| about(error, id))?;

        match judged(OPERATION, sender, value)? {
            Judged::NotOwner => Ok(SendOutcome::NotOwner),
            Judged::AlreadyRecorded(step) => Ok(SendOutcome::AlreadyRecorded(step)),
            Judged::Answer(answer, _) => match answer.as_str() {
                "sent" => Ok(SendOutcome::Sent),
                "unknown_destination" => Ok(SendOutcome::UnknownDestination),
                _ => Err(malformed(OPERATION, "the answer")),
            },
        }
    }

    async fn receive_message(&self, request: ReceiveMessage) -> StoreResult<ReceiveOutcome> {
        const OPERATION: &str = "receive_message";
        let (keys, step, id) = (self.keys(), &request.step, &request.step.workflow_id);
        check_texts(OPERATION, effect::texts(step).chain([&*request.topic]))?;
        let known = [
            keys.workflow(id),
            keys.steps(id),
            keys.inbox(id),
            keys.messages(id),
        ];
        let value = Call::new(&RECEIVE_MESSAGE, OPERATION, known)
            .arg(keys.base())
            .arg(id)
            .text(record::owner(step.owner))
            .text(step.step_id)
            .bytes(effect::checkpoint(step, request.now))
            .arg(&request.topic)
            .text(u8::from(request.give_up))
            .write(self.link())
            .await
            .map_err(|error| about(error, id))?;

        match judged(OPERATION, Some(step), value)? {
            Judged::NotOwner => Ok(ReceiveOutcome::NotOwner),
            Judged::AlreadyRecorded(step) => Ok(ReceiveOutcome::AlreadyRecorded(step)),
            Judged::Answer(answer, mut values) => match answer.as_str() {
                "empty" => Ok(ReceiveOutcome::Empty),
                "gave_up" => Ok(ReceiveOutcome::GaveUp),
                "received" => values
                    .next()
                    .and_then(reply::bytes)
                    .and_then(framed::unpack)
                    .map(ReceiveOutcome::Received)
                    .ok_or_else(|| damaged(OPERATION, id, "a message to it is damaged")),
                _ => Err(malformed(OPERATION, "the answer")),
            },
        }
    }
}
