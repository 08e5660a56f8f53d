use std::collections::HashMap;

use durable_api::{
    WorkflowStatus,
    store::{ClaimedWorkflow, ClaimedWorkflows, WorkflowRecord},
};

use super::Claim;
use crate::{error::Failure, writes::execution};

/// Rows that are locked, and read: what they become needs no condition.
const TAKE: &str = "
UPDATE {schema}.workflows w
SET status = r.status,
    executor_id = CASE WHEN r.status = 'PENDING' THEN $4 ELSE w.executor_id END,
    owner_incarnation = CASE r.status WHEN 'PENDING' THEN $5 WHEN 'ENQUEUED' THEN NULL
                                      ELSE w.owner_incarnation END,
    owner_execution = CASE r.status WHEN 'PENDING' THEN $6 WHEN 'ENQUEUED' THEN NULL
                                    ELSE w.owner_execution END,
    recovery_attempts = r.attempts,
    updated_at = $7,
    started_at = CASE WHEN r.status = 'PENDING' THEN coalesce(w.started_at, $7) ELSE w.started_at END,
    completed_at = CASE WHEN r.status IN ('PENDING', 'ENQUEUED') THEN w.completed_at ELSE $7 END
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS r (id, status, attempts)
WHERE w.id = r.id";

impl Claim<'_> {
    /// Changes hands, puts back into its queue, or makes a dead letter, of everything found; or nothing, if the request was settled.
    pub(super) async fn take(
        &mut self,
        mut found: Vec<ClaimedWorkflow>,
        answer: &mut ClaimedWorkflows,
    ) -> Result<bool, Failure> {
        let limits: HashMap<&str, u32> = self
            .request
            .workflows
            .iter()
            .rev()
            .map(|one| (one.name.as_str(), one.max_recovery_attempts))
            .collect();
        found.sort_by(|a, b| {
            (a.record.created_at, &a.record.id).cmp(&(b.record.created_at, &b.record.id))
        });
        let mut changed = Vec::new();
        for mut workflow in found {
            let record = &mut workflow.record;
            if record.owner == Some(self.request.owner) {
                answer.claimed.push(workflow);
                continue;
            }
            let limit = limits.get(record.name.as_str()).copied().unwrap_or(0);
            self.change(record, limit);
            changed.push((record.id.clone(), record.status, record.recovery_attempts));
            match record.status {
                WorkflowStatus::Pending => answer.claimed.push(workflow),
                WorkflowStatus::Enqueued => answer.requeued.push(workflow.record.id),
                _ => answer.dead_lettered.push(workflow.record.id),
            }
        }
        if changed.is_empty() {
            return Ok(true);
        }
        let request = self.request;
        // Whoever settles this request waits for this transaction and finds what it took, or is done, and nothing is taken.
        let lock = self
            .database
            .query(
                "SELECT 1 FROM {schema}.executors WHERE incarnation = $1 AND settled < $2 FOR SHARE",
            )
            .bind(request.owner.incarnation.0)
            .bind(execution(request.owner));
        if self.work.fetch(lock).await?.is_empty() {
            return Ok(false);
        }
        let query = self
            .database
            .query(TAKE)
            .bind(changed.iter().map(|one| one.0.as_str()).collect::<Vec<_>>())
            .bind(changed.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
            .bind(
                changed
                    .iter()
                    .map(|one| i64::from(one.2))
                    .collect::<Vec<_>>(),
            )
            .bind(&request.executor_id)
            .bind(request.owner.incarnation.0)
            .bind(execution(request.owner))
            .bind(request.now.as_millis());
        self.work.fetch(query).await?;
        Ok(true)
    }

    /// What becomes of a record: ours, its queue's, or a dead letter, if it was lost too often.
    fn change(&self, record: &mut WorkflowRecord, max_recovery_attempts: u32) {
        record.updated_at = self.request.now;
        if record.owner.is_some() {
            if record.recovery_attempts >= max_recovery_attempts {
                record.status = WorkflowStatus::MaxRecoveryAttemptsExceeded;
                record.completed_at = Some(self.request.now);
                return;
            }
            record.recovery_attempts += 1;
        }
        if record.queue.is_some() {
            record.status = WorkflowStatus::Enqueued;
            record.owner = None;
            return;
        }
        record.owner = Some(self.request.owner);
        record.executor_id = Some(self.request.executor_id.clone());
        record.started_at = record.started_at.or(Some(self.request.now));
    }
}
