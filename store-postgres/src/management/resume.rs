use durable_api::{
    WorkflowStatus,
    store::{BulkOutcome, ResumeWorkflows},
};

use super::family::{Family, Lock};
use crate::{
    database::{Access, Database},
    error::Failure,
    writes,
};

/// Makes cancelled workflows and dead letters claimable again.
pub(super) async fn resume(
    database: &Database,
    request: &ResumeWorkflows,
) -> Result<BulkOutcome, Failure> {
    writes::check(request.ids.iter().map(String::as_str), None, [])?;
    let mut work = database.transaction(Access::Write).await?;
    let family = Family::lock(database, &mut work, &request.ids, false, Lock::Change).await?;
    let stopped = family.with_status(|status| {
        matches!(
            status,
            WorkflowStatus::Cancelled | WorkflowStatus::MaxRecoveryAttemptsExceeded
        )
    });
    let outcome = family.outcome(stopped)?;
    if !outcome.changed.is_empty() {
        let query = database
            .query(
                "UPDATE {schema}.workflows w
                 SET status = 'PENDING', owner_incarnation = NULL, owner_execution = NULL,
                     outcome_encoding = NULL, outcome = NULL, completed_at = NULL, deadline = NULL,
                     recovery_attempts = 0, updated_at = $2
                 WHERE w.id = ANY ($1::text[])",
            )
            .bind(&outcome.changed)
            .bind(request.now.as_millis());
        work.fetch(query).await?;
    }
    work.commit().await?;
    Ok(outcome)
}
