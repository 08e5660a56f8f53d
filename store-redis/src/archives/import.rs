use durable_api::{
    WorkflowStatus,
    store::{ImportOutcome, StoreResult, WorkflowArchive},
};

use super::too_large;
use crate::{
    RedisStore,
    call::Call,
    checkpoint,
    error::{check_texts, invalid, malformed},
    framed,
    management::{bulk::answered, fork::bounds},
    record, reply,
    script::IMPORT_WORKFLOW,
};

const OPERATION: &str = "import_workflow";

/// Takes a workflow in, with all that belongs to it.
pub(super) async fn import(
    store: &RedisStore,
    mut archive: WorkflowArchive,
) -> StoreResult<ImportOutcome> {
    check(&archive)?;
    let record = &mut archive.record;
    record.owner = None;
    if record.status == WorkflowStatus::Pending && record.queue.is_some() {
        record.status = WorkflowStatus::Enqueued;
    }
    let lists = [
        row(&archive)?,
        steps(&archive),
        events(&archive),
        streams(&archive),
        values(&archive),
        messages(&archive),
    ];
    let id = &archive.record.id;
    let bytes: usize = lists.iter().flatten().map(Vec::len).sum();
    if entries(&archive) > bounds::ENTRIES as usize || bytes > bounds::BYTES as usize {
        return Err(too_large(OPERATION, id));
    }

    let keys = store.keys();
    let mut call = Call::new(&IMPORT_WORKFLOW, OPERATION, [keys.workflow(id)])
        .arg(keys.base())
        .arg(id);
    for list in lists {
        call = call.text(list.len());
        call = list.into_iter().fold(call, Call::bytes);
    }
    let (answer, mut rest) = answered(OPERATION, store.change(call).await?)?;
    match answer.as_str() {
        "imported" => Ok(ImportOutcome::Imported),
        "exists" => Ok(ImportOutcome::Exists),
        "invalid" => {
            let reason = rest.next().and_then(reply::text).unwrap_or_default();
            Err(invalid(OPERATION, format!("workflow `{id}`: {reason}")))
        }
        _ => Err(malformed(OPERATION, "the answer")),
    }
}

fn row(archive: &WorkflowArchive) -> StoreResult<Vec<Vec<u8>>> {
    let fields = record::fields(OPERATION, &archive.record)?;
    Ok(fields
        .into_iter()
        .flat_map(|(field, value)| [field.as_bytes().to_vec(), value])
        .collect())
}

fn steps(archive: &WorkflowArchive) -> Vec<Vec<u8>> {
    let steps = archive.steps.iter();
    steps
        .flat_map(|step| [text(step.step_id), checkpoint::pack(step)])
        .collect()
}

fn events(archive: &WorkflowArchive) -> Vec<Vec<u8>> {
    let events = archive.events.iter();
    events
        .flat_map(|event| {
            [
                text(event.step_id),
                text(&event.key),
                framed::pack(&event.value),
            ]
        })
        .collect()
}

fn streams(archive: &WorkflowArchive) -> Vec<Vec<u8>> {
    let streams = archive.streams.iter();
    streams
        .flat_map(|stream| {
            let closed_by = stream.closed_by.map(text).unwrap_or_default();
            [text(&stream.key), closed_by, text(stream.values.len())]
        })
        .collect()
}

fn values(archive: &WorkflowArchive) -> Vec<Vec<u8>> {
    let values = archive.streams.iter().flat_map(|stream| &stream.values);
    values
        .flat_map(|(step, value)| [text(step), framed::pack(value)])
        .collect()
}

fn messages(archive: &WorkflowArchive) -> Vec<Vec<u8>> {
    let messages = archive.messages.iter();
    messages
        .flat_map(|message| {
            [
                text(&message.topic),
                text(&message.message_id),
                framed::pack(&message.payload),
            ]
        })
        .collect()
}

fn entries(archive: &WorkflowArchive) -> usize {
    let values: usize = archive.streams.iter().map(|one| one.values.len()).sum();
    archive.steps.len() + archive.events.len() + values + archive.messages.len()
}

fn check(archive: &WorkflowArchive) -> StoreResult<()> {
    let record = &archive.record;
    let names = [&record.id, &record.app, &record.name].into_iter();
    let debounce = record.debounce.as_ref();
    check_texts(
        OPERATION,
        names
            .chain(&record.version)
            .chain(&record.executor_id)
            .chain(&record.queue)
            .chain(&record.deduplication_id)
            .chain(&record.partition_key)
            .chain(debounce.map(|debounce| &debounce.key))
            .chain(&record.schedule)
            .chain(archive.steps.iter().map(|step| &step.name))
            .chain(
                archive
                    .steps
                    .iter()
                    .filter_map(|step| step.completions.as_ref()),
            )
            .chain(archive.events.iter().map(|event| &event.key))
            .chain(archive.streams.iter().map(|stream| &stream.key))
            .chain(archive.messages.iter().map(|message| &message.topic))
            .map(String::as_str),
    )
}

fn text(value: impl ToString) -> Vec<u8> {
    value.to_string().into_bytes()
}
