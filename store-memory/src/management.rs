use std::collections::BTreeSet;

use async_trait::async_trait;
use durable_api::{
    Timestamp, WorkflowStatus,
    store::{
        BulkOutcome, CancelExpired, CancelWorkflows, DeleteFinished, DeleteWorkflows, ForkOutcome,
        ForkWorkflow, ManagementStore, ResumeWorkflows, SetAttributes, SetAttributesOutcome,
        StoreResult, Wakeup, WorkflowRecord,
    },
};

use crate::{
    MemoryStore,
    error::{check_json, check_texts},
    fork::fork,
    resume::resume,
    retention::finished,
    tables::Tables,
};

#[async_trait]
impl ManagementStore for MemoryStore {
    async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome> {
        let answer = change(
            &mut *self.tables_for("cancel_workflows")?,
            request.ids,
            request.children,
            |tables, id| match tables.workflows.get_mut(id) {
                Some(row) if !row.status.is_final() => {
                    cancel(row, request.now);
                    true
                }
                _ => false,
            },
        );
        self.hint(hints(&answer.changed));
        Ok(answer)
    }

    async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>> {
        let ids = cancel_expired(&mut self.tables(), &request);
        self.hint(hints(&ids));
        Ok(ids)
    }

    async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome> {
        check_texts("resume_workflows", request.queue.as_deref())?;
        let (queue, now) = (request.queue.as_ref(), request.now);
        let mut enqueued = false;
        let answer = change(
            &mut *self.tables_for("resume_workflows")?,
            request.ids,
            false,
            |tables, id| {
                let resumed = resume(tables, id, queue, now);
                enqueued |= resumed == Some(WorkflowStatus::Enqueued);
                resumed.is_some()
            },
        );
        self.hint([Wakeup::Claimable]);
        self.hint(enqueued.then_some(Wakeup::Enqueued));
        Ok(answer)
    }

    async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>> {
        check_texts(
            "fork_workflows",
            requests
                .iter()
                .flat_map(|one| [&one.id].into_iter().chain(&one.version).chain(&one.queue))
                .map(String::as_str),
        )?;
        let enqueued = requests.iter().any(|one| one.queue.is_some());
        let answers = {
            let mut tables = self.tables_for("fork_workflows")?;
            requests
                .into_iter()
                .map(|request| fork(&mut tables, request))
                .collect()
        };
        self.hint([Wakeup::Claimable]);
        self.hint(enqueued.then_some(Wakeup::Enqueued));
        Ok(answers)
    }

    async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome> {
        let answer = change(
            &mut *self.tables_for("delete_workflows")?,
            request.ids,
            request.children,
            |tables, id| {
                tables.remove(id);
                true
            },
        );
        self.hint(hints(&answer.changed));
        Ok(answer)
    }

    async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64> {
        let ids = {
            let mut tables = self.tables_for("delete_finished")?;
            let ids = finished(&tables, &request);
            ids.iter().for_each(|id| tables.remove(id));
            ids
        };
        self.hint(hints(&ids));
        Ok(ids.len() as u64)
    }

    async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome> {
        check_json("set_attributes", &request.attributes)?;
        let mut tables = self.tables_for("set_attributes")?;
        let Some(row) = tables.workflows.get_mut(&request.workflow_id) else {
            return Ok(SetAttributesOutcome::UnknownWorkflow);
        };
        row.attributes = request.attributes;
        row.updated_at = request.now;
        Ok(SetAttributesOutcome::Set)
    }
}

/// Does something to each of many workflows, and sorts them by whether it changed them.
fn change(
    tables: &mut Tables,
    ids: Vec<String>,
    children: bool,
    mut one: impl FnMut(&mut Tables, &str) -> bool,
) -> BulkOutcome {
    let (known, unknown): (BTreeSet<String>, BTreeSet<String>) = ids
        .into_iter()
        .partition(|id| tables.workflows.contains_key(id));
    let all = if children {
        tables.with_descendants(&known)
    } else {
        known.clone()
    };
    let mut answer = BulkOutcome::new();
    answer.unknown = unknown.into_iter().collect();
    for id in all {
        if one(tables, &id) {
            answer.changed.push(id);
        } else if let Some(row) = tables.workflows.get(&id).filter(|_| known.contains(&id)) {
            answer.unchanged.push((id, row.status));
        }
    }
    answer
}

fn cancel(row: &mut WorkflowRecord, now: Timestamp) {
    row.status = WorkflowStatus::Cancelled;
    row.owner = None;
    row.updated_at = now;
    row.completed_at = Some(now);
}

fn cancel_expired(tables: &mut Tables, request: &CancelExpired) -> Vec<String> {
    let mut expired: Vec<&mut WorkflowRecord> = tables
        .workflows
        .values_mut()
        .filter(|row| {
            row.app == request.app
                && row.status == WorkflowStatus::Pending
                && row.deadline.is_some_and(|deadline| deadline <= request.now)
        })
        .collect();
    expired.sort_by(|a, b| (a.deadline, &a.id).cmp(&(b.deadline, &b.id)));
    expired.truncate(request.limit as usize);
    expired
        .into_iter()
        .map(|row| {
            cancel(row, request.now);
            row.id.clone()
        })
        .collect()
}

fn hints(ids: &[String]) -> impl Iterator<Item = Wakeup> {
    ids.iter().map(|id| Wakeup::workflow(id))
}
