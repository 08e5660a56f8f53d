//! Effects that belong to a step: `scripts/effects.lua` judges and records them.
use durable_api::{
    Timestamp,
    store::{StepRecord, StepRef, StoreResult},
};
use redis::Value;

use crate::{
    call::Call,
    checkpoint,
    error::{damaged, malformed},
    record, reply,
};

/// What a script made of an effect.
pub(crate) enum Judged {
    /// It did what it was asked, or refused it for reasons of its own: its answer, and what comes with it.
    Answer(String, std::vec::IntoIter<Value>),
    /// The step has a checkpoint.
    AlreadyRecorded(StepRecord),
    /// The execution does not own the workflow.
    NotOwner,
}

/// What a checkpoint of a step holds of texts, except the step's outcome.
pub(crate) fn texts(step: &StepRef) -> impl Iterator<Item = &str> {
    [step.name.as_str()]
        .into_iter()
        .chain(step.completions.as_deref())
}

/// Adds owner, step and checkpoint (empty for none) to a call.
pub(crate) fn add<'a>(call: Call<'a>, step: &StepRef, now: Timestamp) -> Call<'a> {
    let checkpoint = match step.recorded {
        true => checkpoint(step, now),
        false => Vec::new(),
    };
    call.text(record::owner(step.owner))
        .text(step.step_id)
        .bytes(checkpoint)
}

/// The checkpoint of a step without outcome and child.
pub(crate) fn checkpoint(step: &StepRef, now: Timestamp) -> Vec<u8> {
    let mut record = StepRecord::child(step.step_id, &step.name, "", now);
    record.child_id = None;
    record.started_at = step.started_at;
    record.completions.clone_from(&step.completions);
    checkpoint::pack(&record)
}

/// Reads the answer of a script about an effect of `step`, if it has one.
pub(crate) fn judged(
    operation: &'static str,
    step: Option<&StepRef>,
    value: Value,
) -> StoreResult<Judged> {
    let unreadable = || malformed(operation, "the answer");
    let (answer, mut values) = reply::answer(value).ok_or_else(unreadable)?;
    match (answer.as_str(), step) {
        ("not_owner", _) => Ok(Judged::NotOwner),
        ("taken", Some(step)) => {
            let packed = values.next().and_then(reply::bytes);
            checkpoint::unpack(step.step_id, packed.ok_or_else(unreadable)?)
                .map(Judged::AlreadyRecorded)
                .map_err(|reason| damaged(operation, &step.workflow_id, &reason))
        }
        ("damaged", _) => {
            let (id, reason) = reply::fault(values).ok_or_else(unreadable)?;
            Err(damaged(operation, &id, &reason))
        }
        _ => Ok(Judged::Answer(answer, values)),
    }
}
