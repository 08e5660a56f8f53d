use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        ClaimWorkflows, ClaimableWorkflow, ClaimedWorkflow, ClaimedWorkflows, FinishOutcome,
        FinishWorkflow, InsertOutcome, InsertWorkflow, Outcome, ParentStep, Payloads, StepRecord,
        StoreResult, Wakeup, WorkflowRecord, WorkflowStore,
    },
};

use crate::{
    MemoryStore,
    error::{check_json, check_texts},
    tables::Tables,
};

#[async_trait]
impl WorkflowStore for MemoryStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        check_texts(
            "insert_workflow",
            [
                &request.id,
                &request.app,
                &request.name,
                &request.executor_id,
            ]
            .into_iter()
            .chain(&request.version)
            .chain(request.parent.as_ref().map(|parent| &parent.step_name))
            .chain(&request.caller.user)
            .chain(&request.caller.assumed_role)
            .chain(&request.caller.roles)
            .chain(&request.trace_context)
            .map(String::as_str),
        )?;
        check_json("insert_workflow", &request.attributes)?;
        Ok(insert(&mut self.tables(), request))
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        let row = self.tables().workflows.get(id).cloned();
        Ok(match payloads {
            Payloads::Load => row,
            Payloads::Omit => row.map(WorkflowRecord::without_payloads),
        })
    }

    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        let hint = Wakeup::workflow(&request.workflow_id);
        let outcome = finish(&mut self.tables(), request);
        self.hint([hint]);
        Ok(outcome)
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        Ok(claim(&mut self.tables(), &request))
    }
}

fn insert(tables: &mut Tables, request: InsertWorkflow) -> InsertOutcome {
    if !tables.is_registered(request.owner.incarnation) {
        return InsertOutcome::UnknownExecutor;
    }
    if let Some(parent) = &request.parent {
        if !tables.may_write(&parent.workflow_id, parent.owner) {
            return InsertOutcome::ParentNotOwner;
        }
        if let Some(step) = tables.step(&parent.workflow_id, parent.step_id)
            && step.child_id.as_ref() != Some(&request.id)
        {
            return InsertOutcome::StepTaken(step.clone());
        }
    }
    let outcome = match tables.workflows.get(&request.id) {
        None => InsertOutcome::Inserted,
        Some(row) if (&row.app, &row.name) != (&request.app, &request.name) => {
            return InsertOutcome::Conflict(row.clone().without_payloads());
        }
        Some(row) if row.owner == Some(request.owner) => InsertOutcome::Inserted,
        Some(row) => InsertOutcome::Existing(row.clone().without_payloads()),
    };
    if let Some(parent) = &request.parent
        && tables.step(&parent.workflow_id, parent.step_id).is_none()
    {
        let step = StepRecord::child(parent.step_id, &parent.step_name, &request.id, request.now);
        tables.put_step(&parent.workflow_id, step);
    }
    if !tables.workflows.contains_key(&request.id) {
        let row = new_row(request);
        tables.workflows.insert(row.id.clone(), row);
    }
    outcome
}

fn new_row(request: InsertWorkflow) -> WorkflowRecord {
    let mut row = WorkflowRecord::new(
        request.id,
        request.app,
        request.name,
        WorkflowStatus::Pending,
        request.now,
    );
    row.version = request.version;
    row.executor_id = Some(request.executor_id);
    row.owner = Some(request.owner);
    row.parent = request
        .parent
        .map(|parent| ParentStep::new(parent.workflow_id, parent.step_id));
    row.deadline = request.deadline;
    row.caller = request.caller;
    row.attributes = request.attributes;
    row.trace_context = request.trace_context;
    row.input = Some(request.input);
    row.started_at = Some(request.now);
    row
}

fn finish(tables: &mut Tables, request: FinishWorkflow) -> FinishOutcome {
    let Some(row) = tables
        .workflows
        .get_mut(&request.workflow_id)
        .filter(|row| row.owner == Some(request.owner))
    else {
        return FinishOutcome::NotOwner;
    };
    match row.status {
        WorkflowStatus::Pending => {
            row.status = match &request.outcome {
                Outcome::Success(_) => WorkflowStatus::Success,
                Outcome::Failure(_) => WorkflowStatus::Error,
            };
            row.outcome = Some(request.outcome);
            row.updated_at = request.now;
            row.completed_at = Some(request.now);
            FinishOutcome::Finished
        }
        // The owner stays on record, so this is the repetition of its own call.
        WorkflowStatus::Success | WorkflowStatus::Error => FinishOutcome::Finished,
        _ => FinishOutcome::NotOwner,
    }
}

fn claim(tables: &mut Tables, request: &ClaimWorkflows) -> ClaimedWorkflows {
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
        if take(row, request, max_recovery_attempts) {
            claimed.push(row.clone());
        } else {
            answer.dead_lettered.push(id);
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
                && (orphaned || row.owner == Some(request.owner))
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

/// Gives a candidate to the request's owner; or, if it was lost too often, makes it a dead letter and answers `false`.
fn take(row: &mut WorkflowRecord, request: &ClaimWorkflows, max_recovery_attempts: u32) -> bool {
    if row.owner == Some(request.owner) {
        return true;
    }
    row.updated_at = request.now;
    if row.owner.is_some() {
        if row.recovery_attempts >= max_recovery_attempts {
            row.status = WorkflowStatus::MaxRecoveryAttemptsExceeded;
            row.completed_at = Some(request.now);
            return false;
        }
        row.recovery_attempts += 1;
    }
    row.owner = Some(request.owner);
    row.executor_id = Some(request.executor_id.clone());
    row.started_at.get_or_insert(request.now);
    true
}
