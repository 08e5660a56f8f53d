use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{ArchiveStore, ImportOutcome, StoreResult, Wakeup, WorkflowArchive},
};

use crate::{
    MemoryStore,
    belongings::Belongings,
    error::{check_json, check_texts},
    inbox::Inbox,
    shown_events::ShownEvents,
    shown_streams::ShownStreams,
    tables::Tables,
};

#[async_trait]
impl ArchiveStore for MemoryStore {
    async fn export_workflow(&self, workflow_id: &str) -> StoreResult<Option<WorkflowArchive>> {
        let tables = self.shared_tables();
        let Some(row) = tables.workflows.get(workflow_id) else {
            return Ok(None);
        };
        let mut archive = WorkflowArchive::new(row.clone());
        if let Some(all) = tables.belongings.get(workflow_id) {
            archive.steps = all.steps.all();
            archive.events = all.events.archive();
            archive.streams = all.streams.archive();
            archive.messages = all.inbox.archive();
        }
        Ok(Some(archive))
    }

    async fn import_workflow(&self, archive: WorkflowArchive) -> StoreResult<ImportOutcome> {
        check_archive(&archive)?;
        let hints = match archive.record.status {
            WorkflowStatus::Pending => vec![Wakeup::Claimable, Wakeup::Enqueued],
            WorkflowStatus::Enqueued | WorkflowStatus::Delayed => vec![Wakeup::Enqueued],
            _ => Vec::new(),
        };
        let outcome = import(&mut *self.tables_for("import_workflow")?, archive);
        if outcome == ImportOutcome::Imported {
            self.hint(hints);
        }
        Ok(outcome)
    }
}

fn import(tables: &mut Tables, archive: WorkflowArchive) -> ImportOutcome {
    let mut row = archive.record;
    if tables.workflows.contains_key(&row.id) {
        return ImportOutcome::Exists;
    }
    row.owner = None;
    if row.status == WorkflowStatus::Pending && row.queue.is_some() {
        row.status = WorkflowStatus::Enqueued;
    }
    if tables.is_duplicate(&row) {
        row.deduplication_id = None;
    }
    if tables.is_pushed_instead(&row) {
        row.debounce = None;
    }
    let steps = archive.steps.into_iter();
    let belongings = Belongings {
        steps: steps.collect(),
        inbox: Inbox::restore(archive.messages),
        events: ShownEvents::restore(archive.events),
        streams: ShownStreams::restore(archive.streams),
        ..Belongings::default()
    };
    tables.belongings.insert(row.id.clone(), belongings);
    tables.accept(row);
    ImportOutcome::Imported
}

fn check_archive(archive: &WorkflowArchive) -> StoreResult<()> {
    const OPERATION: &str = "import_workflow";
    let row = &archive.record;
    check_texts(
        OPERATION,
        [&row.id, &row.app, &row.name]
            .into_iter()
            .chain(&row.version)
            .chain(&row.executor_id)
            .chain(row.parent.as_ref().map(|parent| &parent.workflow_id))
            .chain(&row.forked_from)
            .chain(&row.queue)
            .chain(&row.deduplication_id)
            .chain(&row.partition_key)
            .chain(row.debounce.as_ref().map(|debounce| &debounce.key))
            .chain(&row.schedule)
            .chain(&row.caller.user)
            .chain(&row.caller.assumed_role)
            .chain(&row.caller.roles)
            .chain(&row.trace_context)
            .chain(archive.steps.iter().map(|step| &step.name))
            .chain(
                archive
                    .steps
                    .iter()
                    .flat_map(|step| [&step.child_id, &step.completions])
                    .flatten(),
            )
            .chain(archive.events.iter().map(|event| &event.key))
            .chain(archive.streams.iter().map(|stream| &stream.key))
            .chain(archive.messages.iter().map(|message| &message.topic))
            .chain(archive.messages.iter().map(|message| &message.message_id))
            .map(String::as_str),
    )?;
    check_json(OPERATION, &row.attributes)
}
