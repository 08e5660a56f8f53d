use std::collections::HashSet;

use durable_api::{
    WorkflowStatus,
    store::{Outcome, StoreError, StoreErrorKind, StoreResult, WorkflowArchive},
};

use crate::{attributes::check_attributes, error::check_texts};

/// Refuses an archive that cannot be stored.
pub(super) fn check(operation: &'static str, archive: &WorkflowArchive) -> StoreResult<()> {
    check_texts(operation, texts(archive))?;
    check_attributes(operation, &archive.record.attributes)?;
    let invalid = |what: &str| {
        StoreError::new(StoreErrorKind::Invalid, operation)
            .with_message(format!("workflow `{}`: {what}", archive.record.id))
    };
    let record = &archive.record;
    match (record.status, &record.outcome) {
        (WorkflowStatus::Success, Some(Outcome::Success(_)))
        | (WorkflowStatus::Error, Some(Outcome::Failure(_))) => {}
        (WorkflowStatus::Success | WorkflowStatus::Error, _) => {
            return Err(invalid("its outcome does not fit its status"));
        }
        _ => {}
    }
    let mut steps = HashSet::new();
    if !archive.steps.iter().all(|step| steps.insert(step.step_id)) {
        return Err(invalid("it has a step twice"));
    }
    let mut messages = HashSet::new();
    let mut ids = archive.messages.iter().map(|one| &one.message_id);
    if !ids.all(|id| messages.insert(id)) {
        return Err(invalid("it has a message twice"));
    }
    let mut streams = HashSet::new();
    let mut keys = archive.streams.iter().map(|one| &one.key);
    if !keys.all(|key| streams.insert(key)) {
        return Err(invalid("it has a stream twice"));
    }
    Ok(())
}

fn texts(archive: &WorkflowArchive) -> impl Iterator<Item = &str> {
    let record = &archive.record;
    let caller = &record.caller;
    let required = [record.id.as_str(), &record.app, &record.name];
    let optional = [
        &record.version,
        &record.executor_id,
        &record.forked_from,
        &record.queue,
        &record.deduplication_id,
        &record.partition_key,
        &record.schedule,
        &record.trace_context,
        &caller.user,
        &caller.assumed_role,
    ];
    let payloads = record
        .input
        .iter()
        .chain(record.outcome.as_ref().map(Outcome::payload))
        .chain(archive.events.iter().map(|event| &event.value))
        .chain(archive.messages.iter().map(|message| &message.payload))
        .chain(
            archive
                .streams
                .iter()
                .flat_map(|stream| stream.values.iter().map(|(_, value)| value)),
        )
        .chain(
            archive
                .steps
                .iter()
                .filter_map(|step| Some(step.outcome.as_ref()?.payload())),
        );
    required
        .into_iter()
        .chain(optional.into_iter().flatten().map(String::as_str))
        .chain(caller.roles.iter().map(String::as_str))
        .chain(
            record
                .parent
                .iter()
                .map(|parent| parent.workflow_id.as_str()),
        )
        .chain(record.debounce.iter().map(|debounce| debounce.key.as_str()))
        .chain(archive.steps.iter().map(|step| step.name.as_str()))
        .chain(
            archive
                .steps
                .iter()
                .flat_map(|step| [&step.child_id, &step.completions])
                .flatten()
                .map(String::as_str),
        )
        .chain(archive.events.iter().map(|event| event.key.as_str()))
        .chain(archive.streams.iter().map(|stream| stream.key.as_str()))
        .chain(
            archive
                .messages
                .iter()
                .flat_map(|message| [message.topic.as_str(), &message.message_id]),
        )
        .chain(payloads.map(|payload| &*payload.encoding))
}
