use durable_api::{
    WorkflowStatus,
    store::{ClaimWorkflows, ClaimableWorkflow, ClaimedWorkflow, ClaimedWorkflows, WorkflowRecord},
};

use crate::tables::Tables;

/// Gives orphans to the request's owner, or back to their queues.
pub(crate) fn claim(tables: &mut Tables, request: &ClaimWorkflows) -> ClaimedWorkflows {
    let mut answer = ClaimedWorkflows::new();
    // Whoever is not registered would be robbed of its claim at once.
    if !tables.is_registered(request.owner.incarnation) {
        return answer;
    }
    let limit = request.limit as usize;
    let mut chosen = candidates(tables, request);
    answer.more = chosen.len() >= limit;
    chosen.truncate(limit);

    let mut claimed = Vec::new();
    for (id, max_recovery_attempts) in chosen {
        let Some(row) = tables.workflows.get_mut(&id) else {
            continue;
        };
        match take(row, request, max_recovery_attempts) {
            Taken::Claimed => claimed.push(row.clone()),
            Taken::Requeued => answer.requeued.push(id),
            Taken::DeadLettered => answer.dead_lettered.push(id),
        }
    }
    claimed.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    answer.claimed = claimed
        .into_iter()
        .map(|row| {
            let history = tables.history(&row.id);
            ClaimedWorkflow::new(row, history)
        })
        .collect();
    answer
}

/// The ids that a claim may take with their limits of attempts: first those that an earlier call
/// with the same owner took, then the oldest.
fn candidates(tables: &Tables, request: &ClaimWorkflows) -> Vec<(String, u32)> {
    let is_settled = tables.is_settled(request.owner);
    let mut found: Vec<(&WorkflowRecord, &ClaimableWorkflow)> = tables
        .workflows
        .values()
        .filter(|row| {
            let version_fits = match &row.version {
                Some(version) => *version == request.version,
                None => request.unversioned,
            };
            let orphaned = row
                .owner
                .is_none_or(|owner| !tables.is_registered(owner.incarnation));
            row.status == WorkflowStatus::Pending
                && row.app == request.app
                && version_fits
                && (row.owner == Some(request.owner) || (orphaned && !is_settled))
        })
        .filter_map(|row| {
            let claimable = request.workflows.iter().find(|one| one.name == row.name)?;
            Some((row, claimable))
        })
        .collect();
    found.sort_by_key(|(row, _)| {
        (
            row.owner != Some(request.owner),
            row.created_at,
            row.id.as_str(),
        )
    });
    found
        .into_iter()
        .map(|(row, claimable)| (row.id.clone(), claimable.max_recovery_attempts))
        .collect()
}

/// What became of a candidate.
enum Taken {
    Claimed,
    Requeued,
    DeadLettered,
}

/// Gives a candidate to the request's owner or back to its queue; or, if it was lost too often, makes it a dead letter.
fn take(row: &mut WorkflowRecord, request: &ClaimWorkflows, max_recovery_attempts: u32) -> Taken {
    if row.owner == Some(request.owner) {
        return Taken::Claimed;
    }
    row.updated_at = request.now;
    if row.owner.is_some() {
        if row.recovery_attempts >= max_recovery_attempts {
            row.status = WorkflowStatus::MaxRecoveryAttemptsExceeded;
            row.completed_at = Some(request.now);
            return Taken::DeadLettered;
        }
        row.recovery_attempts += 1;
    }
    if row.queue.is_some() {
        row.status = WorkflowStatus::Enqueued;
        row.owner = None;
        return Taken::Requeued;
    }
    row.owner = Some(request.owner);
    row.executor_id = Some(request.executor_id.clone());
    row.started_at.get_or_insert(request.now);
    Taken::Claimed
}
