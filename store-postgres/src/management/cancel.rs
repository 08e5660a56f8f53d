use durable_api::store::{BulkOutcome, CancelExpired, CancelWorkflows};

use super::family::{Family, Lock};
use crate::{
    database::{Access, Database},
    error::Failure,
    record::column,
    writes,
};

/// Ends workflows that are not at their end.
pub(super) async fn cancel(
    database: &Database,
    request: &CancelWorkflows,
) -> Result<BulkOutcome, Failure> {
    writes::check(request.ids.iter().map(String::as_str), None, [])?;
    let mut work = database.transaction(Access::Write).await?;
    let family = Family::lock(
        database,
        &mut work,
        &request.ids,
        request.children,
        Lock::Change,
    )
    .await?;
    let unfinished = family.with_status(|status| !status.is_final());
    let outcome = family.outcome(unfinished)?;
    if !outcome.changed.is_empty() {
        let query = database
            .query(
                "UPDATE {schema}.workflows w
                 SET status = 'CANCELLED', owner_incarnation = NULL, owner_execution = NULL,
                     updated_at = $2, completed_at = $2
                 WHERE w.id = ANY ($1::text[])",
            )
            .bind(&outcome.changed)
            .bind(request.now.as_millis());
        work.fetch(query).await?;
    }
    work.commit().await?;
    Ok(outcome)
}

/// The rows are locked in the order of ids, once it is known which they are; a row that changed while it was
/// waited for is judged by its latest version.
const EXPIRE: &str = "
WITH due AS MATERIALIZED (
    SELECT w.id
    FROM {schema}.workflows w
    WHERE w.status = 'PENDING' AND w.app = $1 AND w.deadline <= $2
    ORDER BY w.deadline, w.id
    LIMIT $3
), locked AS MATERIALIZED (
    SELECT w.id
    FROM {schema}.workflows w
    WHERE w.id IN (SELECT id FROM due)
      AND w.status || '' = 'PENDING' AND w.deadline + 0 <= $2
    ORDER BY w.id
    FOR NO KEY UPDATE
), cancelled AS (
    UPDATE {schema}.workflows w
    SET status = 'CANCELLED', owner_incarnation = NULL, owner_execution = NULL,
        updated_at = $2, completed_at = $2
    FROM locked
    WHERE w.id = locked.id AND w.status || '' = 'PENDING' AND w.deadline + 0 <= $2
    RETURNING w.id, w.deadline
)
SELECT id FROM cancelled ORDER BY deadline, id";

/// Ends what is over its deadline.
pub(super) async fn expire(
    database: &Database,
    request: &CancelExpired,
) -> Result<Vec<String>, Failure> {
    writes::check([request.app.as_str()], None, [])?;
    let query = database
        .query(EXPIRE)
        .bind(&request.app)
        .bind(request.now.as_millis())
        .bind(i64::from(request.limit));
    let rows = database.write(query).await?;
    rows.iter().map(|row| column(row, "id")).collect()
}
