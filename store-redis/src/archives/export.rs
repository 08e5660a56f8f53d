use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use durable_api::{
    Payload,
    store::{
        ArchivedEvent, ArchivedMessage, ArchivedStream, StoreError, StoreResult, WorkflowArchive,
    },
};
use redis::Value;

use super::too_large;
use crate::{
    RedisStore,
    call::Call,
    error::{damaged, malformed},
    framed,
    management::{bulk::answered, fork::bounds},
    record, reply,
    script::EXPORT_WORKFLOW,
    steps::{about, history},
};

const OPERATION: &str = "export_workflow";

/// Takes a workflow out, with all that belongs to it.
pub(super) async fn export(store: &RedisStore, id: &str) -> StoreResult<Option<WorkflowArchive>> {
    let keys = store.keys();
    let known = [
        keys.workflow(id),
        keys.steps(id),
        keys.event_values(id),
        keys.streams(id),
        keys.stream_values(id),
        keys.stream_steps(id),
        keys.inbox(id),
        keys.messages(id),
    ];
    let value = Call::new(&EXPORT_WORKFLOW, OPERATION, known)
        .arg(id)
        .text(bounds::ENTRIES)
        .text(bounds::BYTES)
        .read(store.link())
        .await
        .map_err(|error| about(error, id))?;
    let (answer, values) = answered(OPERATION, value)?;
    match answer.as_str() {
        "none" => Ok(None),
        "too_large" => Err(too_large(OPERATION, id)),
        "archive" => {
            let values: [Value; 8] = values
                .collect::<Vec<_>>()
                .try_into()
                .map_err(|_| unreadable())?;
            archive(id, values)
                .map(Some)
                .map_err(|reason| damaged(OPERATION, id, &reason))
        }
        _ => Err(unreadable()),
    }
}

fn archive(id: &str, values: [Value; 8]) -> Result<WorkflowArchive, String> {
    let [row, steps, shown, streams, values, writers, inbox, messages] = values;
    let record = record::decode(id, row)?.ok_or("its row is missing")?;
    let mut archive = WorkflowArchive::new(record);
    archive.steps = history(steps)?;
    archive.events = events(shown).ok_or("one of its events is damaged")?;
    archive.streams =
        self::streams(streams, values, writers).ok_or("one of its streams is damaged")?;
    archive.messages =
        self::messages(inbox, messages).ok_or("a message to it is missing or damaged")?;
    Ok(archive)
}

/// The values of fields that name a step and a key; each is numbered in the order of setting.
fn events(shown: Value) -> Option<Vec<ArchivedEvent>> {
    let mut found = Vec::new();
    for (field, value) in reply::pairs(shown)? {
        if field == b"#" {
            continue;
        }
        let (step, key) = split(&field)?;
        let mut value = Bytes::from(value);
        let colon = value.iter().position(|byte| *byte == b':')?;
        let payload = framed::unpack(value.split_off(colon + 1))?;
        let number: u64 = number(&value[..colon])?;
        let event = ArchivedEvent {
            key: key.to_owned(),
            step_id: step.parse().ok()?,
            value: payload,
        };
        found.push((number, event));
    }
    found.sort_by(|(a, one), (b, other)| (&one.key, a).cmp(&(&other.key, b)));
    Some(found.into_iter().map(|(_, event)| event).collect())
}

fn streams(streams: Value, values: Value, writers: Value) -> Option<Vec<ArchivedStream>> {
    let mut values: HashMap<_, _> = reply::pairs(values)?.into_iter().collect();
    let writers: HashMap<_, _> = reply::pairs(writers)?.into_iter().collect();
    let mut found = BTreeMap::new();
    for (key, count) in reply::pairs(streams)? {
        let key = String::from_utf8(key).ok()?;
        let count = String::from_utf8(count).ok()?;
        let closed_by = match count.ends_with('!') {
            true => Some(number(writers.get(format!("!:{key}").as_bytes())?)?),
            false => None,
        };
        let count: u64 = count.trim_end_matches('!').parse().ok()?;
        let mut taken: Vec<(u32, Payload)> = Vec::new();
        for offset in 0..count {
            let member = format!("{offset}:{key}").into_bytes();
            let value = framed::unpack(values.remove(&member)?)?;
            taken.push((number(writers.get(&member)?)?, value));
        }
        found.insert(
            key.clone(),
            ArchivedStream {
                key,
                values: taken,
                closed_by,
            },
        );
    }
    Some(found.into_values().collect())
}

/// The messages, in the order of their numbers, which stand last in their members.
fn messages(inbox: Value, messages: Value) -> Option<Vec<ArchivedMessage>> {
    let mut messages: HashMap<_, _> = reply::pairs(messages)?.into_iter().collect();
    let mut found = Vec::new();
    for member in reply::array(inbox)? {
        let member = reply::text(member)?;
        let (length, rest) = member.split_once(':')?;
        let (topic, number) = rest.split_at_checked(length.parse().ok()?)?;
        let number = number.strip_prefix(':')?.to_owned();
        // Messages that came before schema 2 have no id of their own any more.
        let message_id = match messages.remove(format!("#{member}").as_bytes()) {
            Some(id) => String::from_utf8(id).ok()?,
            None => format!("message {number}"),
        };
        let message = ArchivedMessage {
            topic: topic.to_owned(),
            message_id,
            payload: framed::unpack(messages.remove(member.as_bytes())?)?,
        };
        found.push((number, message));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Some(found.into_iter().map(|(_, message)| message).collect())
}

/// A number and a text, with a colon in between.
fn split(field: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(field).ok()?.split_once(':')
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn unreadable() -> StoreError {
    malformed(OPERATION, "the answer")
}
