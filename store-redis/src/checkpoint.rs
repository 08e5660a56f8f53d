//! How a checkpoint is written into a field of a hash. `scripts/checkpoints.lua` looks into it too.
use bytes::{Buf as _, Bytes};
use durable_api::{
    Payload, Timestamp,
    store::{Outcome, ParentCheckpoint, StepRecord},
};

/// The version of this layout.
const VERSION: u8 = 1;

/// Version, two times, kind of outcome, what there is besides, and three lengths.
const HEADER: usize = 1 + 8 + 8 + 1 + 1 + 3 * 4;

/// Besides, there is a child.
const CHILD: u8 = 1;

/// Besides, there is what it says of completions: a length and a text, right after the header.
const COMPLETIONS: u8 = 2;

/// The checkpoint, without its step id.
pub(crate) fn pack(step: &StepRecord) -> Vec<u8> {
    let (kind, encoding, payload): (u8, &str, &[u8]) = match &step.outcome {
        None => (0, "", &[]),
        Some(Outcome::Success(payload)) => (1, &payload.encoding, &payload.bytes),
        Some(Outcome::Failure(payload)) => (2, &payload.encoding, &payload.bytes),
    };
    let (child, completions) = (step.child_id.as_deref(), step.completions.as_deref());
    let texts = [&step.name, child.unwrap_or_default(), encoding];

    let said = completions.map_or(0, |text| 4 + text.len());
    let size = HEADER + said + texts.iter().map(|text| text.len()).sum::<usize>() + payload.len();
    let mut packed = Vec::with_capacity(size);
    packed.push(VERSION);
    packed.extend(step.started_at.as_millis().to_be_bytes());
    packed.extend(step.completed_at.as_millis().to_be_bytes());
    packed.push(kind);
    packed.push(CHILD * u8::from(child.is_some()) + COMPLETIONS * u8::from(completions.is_some()));
    for text in texts {
        packed.extend(length(text));
    }
    if let Some(text) = completions {
        packed.extend(length(text));
        packed.extend(text.as_bytes());
    }
    for text in texts {
        packed.extend(text.as_bytes());
    }
    packed.extend(payload);
    packed
}

/// The checkpoint of a step that started a child.
pub(crate) fn pack_child(parent: &ParentCheckpoint, child: &str, now: Timestamp) -> Vec<u8> {
    let mut step = StepRecord::child(parent.step_id, &parent.step_name, child, now);
    step.completions.clone_from(&parent.completions);
    pack(&step)
}

fn length(text: &str) -> [u8; 4] {
    // The engine refuses texts that are anywhere near this long.
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The checkpoint of step `step_id`; or what is wrong with it.
pub(crate) fn unpack(step_id: u32, packed: Vec<u8>) -> Result<StepRecord, String> {
    open(step_id, Bytes::from(packed)).ok_or_else(|| format!("its checkpoint {step_id} is damaged"))
}

fn open(step_id: u32, mut packed: Bytes) -> Option<StepRecord> {
    if packed.try_get_u8().ok()? != VERSION {
        return None;
    }
    let started_at = Timestamp::from_millis(packed.try_get_i64().ok()?);
    let completed_at = Timestamp::from_millis(packed.try_get_i64().ok()?);
    let kind = packed.try_get_u8().ok()?;
    let besides = packed.try_get_u8().ok()?;
    let mut length = || packed.try_get_u32().ok();
    let (name, child, encoding) = (length()?, length()?, length()?);

    let completions = match besides & COMPLETIONS {
        0 => None,
        _ => {
            let length = packed.try_get_u32().ok()?;
            Some(take_text(&mut packed, length)?)
        }
    };
    let name = take_text(&mut packed, name)?;
    let child = take_text(&mut packed, child)?;
    let encoding = take_text(&mut packed, encoding)?;
    let child_id = match besides & !COMPLETIONS {
        0 if child.is_empty() => None,
        CHILD => Some(child),
        _ => return None,
    };
    let outcome = match kind {
        0 if encoding.is_empty() && packed.is_empty() => None,
        1 => Some(Outcome::Success(Payload::new(encoding, packed))),
        2 => Some(Outcome::Failure(Payload::new(encoding, packed))),
        _ => return None,
    };
    let mut step = StepRecord::child(step_id, name, "", started_at);
    step.child_id = child_id;
    step.outcome = outcome;
    step.completed_at = completed_at;
    step.completions = completions;
    Some(step)
}

fn take_text(packed: &mut Bytes, length: u32) -> Option<String> {
    let length = usize::try_from(length).ok()?;
    if length > packed.len() {
        return None;
    }
    String::from_utf8(packed.split_to(length).into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn steps() -> Vec<StepRecord> {
        let success = Outcome::Success(Payload::new("bincode", vec![0, 255, 13, 10]));
        let empty = Outcome::Failure(Payload::new("json", Vec::new()));
        let silent = [
            StepRecord::completed(7, "charge", success, time(-1), time(i64::MAX)),
            StepRecord::completed(7, "", empty, time(0), time(1)),
            StepRecord::child(7, "start ✨", "parent-7", time(5)),
        ];
        let mut telling = silent.clone();
        for (step, text) in telling.iter_mut().zip(["3:7,4:1", "", "✨"]) {
            step.completions = Some(text.to_owned());
        }
        silent.into_iter().chain(telling).collect()
    }

    #[test]
    fn what_was_packed_comes_back() {
        for step in steps() {
            assert_eq!(unpack(7, pack(&step)).as_ref(), Ok(&step));
        }
    }

    #[test]
    fn whatever_is_cut_off_before_the_payload_is_damaged() {
        for step in steps() {
            let payload = step
                .outcome
                .as_ref()
                .map_or(0, |outcome| outcome.payload().bytes.len());
            let packed = pack(&step);
            for length in 0..packed.len() - payload {
                assert!(
                    unpack(7, packed[..length].to_vec()).is_err(),
                    "{length} of {step:?}"
                );
            }
        }
    }
}
