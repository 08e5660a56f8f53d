use durable_api::{Timestamp, WorkflowStatus};

use crate::tables::Tables;

/// Makes a workflow that was cancelled or is a dead letter ready again; answers its new status, unless it is unchanged.
pub(crate) fn resume(
    tables: &mut Tables,
    id: &str,
    queue: Option<&String>,
    now: Timestamp,
) -> Option<WorkflowStatus> {
    let mut row = tables.workflows.get(id)?.clone();
    let resumable = matches!(
        row.status,
        WorkflowStatus::Cancelled | WorkflowStatus::MaxRecoveryAttemptsExceeded
    );
    if !resumable {
        return None;
    }
    if queue.is_some() && row.queue.as_ref() != queue {
        row.queue = queue.cloned();
        tables.place_last(id);
    }
    if tables.is_duplicate(&row) {
        row.deduplication_id = None;
    }
    row.status = match row.queue {
        Some(_) => WorkflowStatus::Enqueued,
        None => WorkflowStatus::Pending,
    };
    row.owner = None;
    row.outcome = None;
    row.completed_at = None;
    row.deadline = None;
    row.timeout = None;
    row.recovery_attempts = 0;
    row.updated_at = now;
    let status = row.status;
    tables.workflows.insert(row.id.clone(), row);
    Some(status)
}
