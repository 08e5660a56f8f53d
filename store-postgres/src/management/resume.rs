use durable_api::{
    WorkflowStatus,
    store::{BulkOutcome, ResumeWorkflows},
};

use super::family::{Family, Lock};
use crate::{
    database::{Access, Database},
    error::Failure,
    record::column,
    writes,
};

/// Who keeps its deduplication id: of those of one queue that have the same, the first, unless somebody has it already.
/// (One who gets it while this is under way violates a unique index, and nothing is applied.)
const RESUME: &str = "
WITH changed AS (
    SELECT w.id, coalesce($3, w.queue) AS queue,
           CASE WHEN row_number() OVER (PARTITION BY w.app, coalesce($3, w.queue), w.deduplication_id
                                        ORDER BY w.id) = 1
                 AND NOT EXISTS (SELECT 1 FROM {schema}.workflows h
                                 WHERE h.app = w.app AND h.queue = coalesce($3, w.queue)
                                   AND h.deduplication_id = w.deduplication_id
                                   AND h.status IN ('ENQUEUED', 'DELAYED', 'PENDING'))
                THEN w.deduplication_id END AS deduplication_id
    FROM {schema}.workflows w
    WHERE w.id = ANY ($1::text[])
)
UPDATE {schema}.workflows w
SET status = CASE WHEN c.queue IS NULL THEN 'PENDING' ELSE 'ENQUEUED' END,
    owner_incarnation = NULL, owner_execution = NULL,
    outcome_encoding = NULL, outcome = NULL, completed_at = NULL, deadline = NULL, timeout = NULL,
    recovery_attempts = 0, updated_at = $2,
    priority = CASE WHEN c.queue IS NULL THEN w.priority ELSE coalesce(w.priority, 0) END,
    place = CASE WHEN c.queue = w.queue OR c.queue IS NULL THEN w.place ELSE {number} END,
    queue = c.queue, deduplication_id = c.deduplication_id
FROM changed c
WHERE w.id = c.id
RETURNING w.queue";

/// What was resumed, and where it is.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) outcome: BulkOutcome,
    pub(super) claimable: bool,
    pub(super) enqueued: bool,
}

/// Makes cancelled workflows and dead letters claimable again, or lets them wait in their queues.
pub(super) async fn resume(
    database: &Database,
    request: &ResumeWorkflows,
) -> Result<Resumed, Failure> {
    let texts = request.ids.iter().chain(&request.queue);
    writes::check(texts.map(String::as_str), None, [])?;
    let mut work = database.transaction(Access::Write).await?;
    let family = Family::lock(database, &mut work, &request.ids, false, Lock::Change).await?;
    let stopped = family.with_status(|status| {
        matches!(
            status,
            WorkflowStatus::Cancelled | WorkflowStatus::MaxRecoveryAttemptsExceeded
        )
    });
    let mut resumed = Resumed {
        outcome: family.outcome(stopped)?,
        claimable: false,
        enqueued: false,
    };
    if !resumed.outcome.changed.is_empty() {
        let query = database
            .query(RESUME)
            .bind(&resumed.outcome.changed)
            .bind(request.now.as_millis())
            .bind(&request.queue);
        for row in work.fetch(query).await? {
            match column::<Option<String>>(&row, "queue")? {
                Some(_) => resumed.enqueued = true,
                None => resumed.claimable = true,
            }
        }
    }
    work.commit().await?;
    Ok(resumed)
}
