use durable_api::store::{DeleteFinished, WorkflowRecord};

use crate::tables::Tables;

/// The ids of the workflows that a request about finished ones deletes.
pub(crate) fn finished(tables: &Tables, request: &DeleteFinished) -> Vec<String> {
    if request.completed_before.is_none() && request.keep_latest.is_none() {
        return Vec::new();
    }
    let mut finished: Vec<&WorkflowRecord> = tables
        .workflows
        .values()
        .filter(|row| row.app == request.app && row.status.is_final())
        .collect();
    finished.sort_by_key(|row| (row.completed_at, &row.id));
    let kept = request.keep_latest.unwrap_or(0);
    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
    finished.truncate(finished.len().saturating_sub(kept));
    finished
        .into_iter()
        .filter(|row| {
            request
                .completed_before
                .is_none_or(|time| row.completed_at.is_some_and(|end| end < time))
        })
        .take(request.limit as usize)
        .map(|row| row.id.clone())
        .collect()
}
