//! Payloads that hold anything, decoded as many a type: an error, or a value that makes the round trip.
use std::{collections::BTreeMap, fmt::Debug};

use durable::{Durable, Encoding, Failure, Payload, Timestamp, WorkflowStatus};
use durable_api::store::{Outcome, StepRecord};
use serde::{Deserialize, Serialize};

use super::input::Input;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(u64),
    Two {
        name: String,
        next: Option<Box<Shape>>,
    },
    Many(Vec<Shape>),
}

pub(super) fn fuzz(data: &[u8]) {
    let mut input = Input::new(data);
    let encoding = match input.choice(4) {
        0 | 1 => "bincode",
        2 => "json",
        _ => "cbor",
    };
    let kind = input.choice(12);
    let payload = Payload::new(encoding, input.rest().to_vec());
    match kind {
        0 => decode::<u64>(&payload),
        1 => decode::<String>(&payload),
        2 => decode::<(i128, Option<String>, bool)>(&payload),
        3 => decode::<Vec<String>>(&payload),
        4 => decode::<BTreeMap<String, Vec<u8>>>(&payload),
        // A recursion that is deeper than the stack is the type's to bound: JSON does, bincode does not.
        5 if encoding == "json" => decode::<Shape>(&payload),
        6 => decode::<(char, u16, i8, Timestamp)>(&payload),
        7 => decode::<Option<Payload>>(&payload),
        8 => decode::<(Vec<Payload>, bool)>(&payload),
        9 => decode::<StepRecord>(&payload),
        10 => decode::<(WorkflowStatus, Outcome)>(&payload),
        _ => {
            if let Ok(failure) = Failure::from_payload(&payload) {
                let again = Failure::from_payload(&failure.to_payload());
                assert_eq!(again.expect("decodes again"), failure);
            }
        }
    }
}

fn decode<T: Durable + PartialEq + Debug>(payload: &Payload) {
    let Ok(value) = payload.decode::<T>() else {
        return;
    };
    let encoding: Encoding = payload.encoding.parse().expect("was decoded by it");
    let again = encoding.encode(&value).expect("encodes again");
    assert_eq!(again.decode::<T>().expect("decodes again"), value);
}
