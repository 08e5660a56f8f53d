//! What is recorded beside what the code comes to.
use durable_api::{
    DivergenceReason, Encoding, Failure, Payload, Value,
    store::{Outcome, StepRecord, WorkflowRecord},
};
use serde_json::Value as Json;

use crate::{engine::Engine, execution, registry::Registry};

/// What sort of call a step is.
#[derive(PartialEq, Eq)]
enum Kind<'n> {
    /// The library's own, of this name.
    Own(&'n str),
    Patch,
    Child,
    Step,
}

/// Whether the call that the code makes is of the kind that is recorded.
pub(crate) fn same_kind(registry: &Registry, recorded: &StepRecord, called: &str) -> bool {
    // The engine says so where the names are the same.
    if called.starts_with(recorded.name.as_str()) && called.contains(" (as a ") {
        return false;
    }
    let started_child = recorded.child_id.is_some() && recorded.outcome.is_none();
    let then = match kind(registry, &recorded.name) {
        Kind::Step if started_child => Kind::Child,
        kind => kind,
    };
    then == kind(registry, called)
}

fn kind<'n>(registry: &Registry, name: &'n str) -> Kind<'n> {
    if name.starts_with("durable.patch.") {
        Kind::Patch
    } else if name.starts_with("durable.") {
        Kind::Own(name)
    } else if registry.get(name).is_some() {
        Kind::Child
    } else {
        Kind::Step
    }
}

/// How the outcome of the code differs from the recorded one, if it does.
pub(crate) fn outcomes(
    engine: &Engine,
    record: &WorkflowRecord,
    encoding: Encoding,
    returned: Result<Value, Failure>,
) -> Option<DivergenceReason> {
    let recorded = record.outcome.as_ref()?;
    // As it would have been recorded then: the encoding may have changed since.
    let encoding = recorded.payload().encoding.parse().unwrap_or(encoding);
    let what = || format!("the output of workflow `{}`", record.id);
    let returned = execution::outcome(engine, returned, encoding, what);
    (!same(recorded, &returned)).then(|| DivergenceReason::OtherOutcome {
        recorded: text(recorded),
        returned: text(&returned),
    })
}

fn same(recorded: &Outcome, returned: &Outcome) -> bool {
    match (recorded, returned) {
        (Outcome::Success(one), Outcome::Success(other))
        | (Outcome::Failure(one), Outcome::Failure(other)) => {
            // The order of a map's entries does not count.
            one == other || json(one).is_some_and(|one| Some(one) == json(other))
        }
        _ => false,
    }
}

fn json(payload: &Payload) -> Option<Json> {
    (payload.encoding == Encoding::Json.as_str())
        .then(|| serde_json::from_slice(&payload.bytes).ok())?
}

fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failure(payload) => match Failure::from_payload(payload) {
            Ok(failure) => format!("the failure `{failure}`"),
            Err(_) => "a failure".to_owned(),
        },
        Outcome::Success(payload) => match json(payload) {
            Some(json) => {
                let json: String = json.to_string().chars().take(200).collect();
                format!("the output {json}")
            }
            None => {
                let bytes = payload.bytes.iter().take(32);
                let bytes: String = bytes.map(|byte| format!("{byte:02x}")).collect();
                format!("an output of {} bytes ({bytes})", payload.bytes.len())
            }
        },
    }
}
