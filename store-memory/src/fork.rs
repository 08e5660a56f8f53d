use durable_api::{
    WorkflowStatus,
    store::{ForkOutcome, ForkWorkflow, WorkflowRecord},
};

use crate::tables::Tables;

/// Makes a new workflow out of the first steps of another.
pub(crate) fn fork(tables: &mut Tables, request: ForkWorkflow) -> ForkOutcome {
    // The id first: a fork whose answer was lost is told that it is done, also when its source is gone since.
    if let Some(row) = tables.workflows.get(&request.id) {
        return if row.forked_from.as_ref() == Some(&request.source) {
            ForkOutcome::Forked
        } else {
            ForkOutcome::Conflict
        };
    }
    let Some(source) = tables.workflows.get(&request.source) else {
        return ForkOutcome::UnknownSource;
    };
    let row = new_row(source, &request);
    let belongings = tables.of(&request.source).before(request.from_step);
    tables.belongings.insert(request.id, belongings);
    tables.accept(row);
    ForkOutcome::Forked
}

fn new_row(source: &WorkflowRecord, request: &ForkWorkflow) -> WorkflowRecord {
    let mut row = WorkflowRecord::new(
        &request.id,
        &source.app,
        &source.name,
        WorkflowStatus::Pending,
        request.now,
    );
    if request.queue.is_some() {
        row.status = WorkflowStatus::Enqueued;
        row.queue.clone_from(&request.queue);
    }
    row.version = request.version.clone().or_else(|| source.version.clone());
    row.forked_from = Some(source.id.clone());
    row.caller = source.caller.clone();
    row.attributes = source.attributes.clone();
    row.input = source.input.clone();
    row
}
