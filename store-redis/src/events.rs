use async_trait::async_trait;
use bytes::Bytes;
use durable_api::{
    Payload,
    store::{EventLookup, EventStore, SetEvent, SetEventOutcome, StoreResult},
};
use redis::Value;

use crate::{
    RedisStore,
    call::Call,
    effect::{self, Judged, judged},
    error::{check_texts, damaged, malformed},
    framed, reply,
    script::{GET_EVENT, LIST_EVENTS, SET_EVENT},
    steps::about,
};

#[async_trait]
impl EventStore for RedisStore {
    async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome> {
        const OPERATION: &str = "set_event";
        let (keys, step, id) = (self.keys(), &request.step, &request.step.workflow_id);
        check_texts(OPERATION, effect::texts(step).chain([&*request.key]))?;
        let known = [
            keys.workflow(id),
            keys.steps(id),
            keys.events(id),
            keys.event_values(id),
            keys.event_steps(id),
        ];
        let call = Call::new(&SET_EVENT, OPERATION, known)
            .arg(keys.base())
            .arg(id);
        let value = effect::add(call, step, request.now)
            .arg(&request.key)
            .bytes(framed::pack(&request.value))
            .write(self.link())
            .await
            .map_err(|error| about(error, id))?;

        match judged(OPERATION, Some(step), value)? {
            Judged::NotOwner => Ok(SetEventOutcome::NotOwner),
            Judged::AlreadyRecorded(step) => Ok(SetEventOutcome::AlreadyRecorded(step)),
            Judged::Answer(answer, _) if answer == "set" => Ok(SetEventOutcome::Set),
            Judged::Answer(..) => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup> {
        const OPERATION: &str = "get_event";
        let keys = self.keys();
        let known = [
            keys.workflow(workflow_id),
            keys.events(workflow_id),
            keys.event_values(workflow_id),
        ];
        let value = Call::new(&GET_EVENT, OPERATION, known)
            .arg(workflow_id)
            .arg(key)
            .read(self.link())
            .await
            .map_err(|error| about(error, workflow_id))?;

        match judged(OPERATION, None, value)? {
            Judged::Answer(answer, mut values) => match answer.as_str() {
                "unknown_workflow" => Ok(EventLookup::UnknownWorkflow),
                "absent" => Ok(EventLookup::Absent),
                "value" => values
                    .next()
                    .and_then(numbered)
                    .map(EventLookup::Value)
                    .ok_or_else(|| damaged_event(OPERATION, workflow_id, key)),
                _ => Err(malformed(OPERATION, "the answer")),
            },
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>> {
        const OPERATION: &str = "list_events";
        let keys = self.keys();
        let known = [keys.events(workflow_id), keys.event_values(workflow_id)];
        let value = Call::new(&LIST_EVENTS, OPERATION, known)
            .arg(workflow_id)
            .read(self.link())
            .await
            .map_err(|error| about(error, workflow_id))?;

        let Judged::Answer(_, mut values) = judged(OPERATION, None, value)? else {
            return Err(malformed(OPERATION, "the answer"));
        };
        let mut events = Vec::with_capacity(values.len() / 2);
        while let Some(key) = values.next() {
            let key = reply::text(key)
                .ok_or_else(|| damaged(OPERATION, workflow_id, "the key of an event is damaged"))?;
            let payload = values
                .next()
                .and_then(numbered)
                .ok_or_else(|| damaged_event(OPERATION, workflow_id, &key))?;
            events.push((key, payload));
        }
        events.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(events)
    }
}

/// A value as it is stored: its number in the order of setting, a colon, and the payload.
fn numbered(value: Value) -> Option<Payload> {
    let mut bytes = Bytes::from(reply::bytes(value)?);
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    framed::unpack(bytes.split_off(colon + 1))
}

fn damaged_event(operation: &'static str, id: &str, key: &str) -> durable_api::store::StoreError {
    damaged(operation, id, &format!("its event `{key}` is damaged"))
}
