use durable_api::{Timestamp, WorkflowStatus, store::DeleteFinished};

use super::delete::remove;
use crate::{
    database::{Access, Database},
    error::Failure,
    record::column,
    writes,
};

/// Those that ended first, but for the latest ones. What somebody else deletes at the same time is passed over.
const FINISHED: &str = "
SELECT w.id
FROM {schema}.workflows w
WHERE w.app = $1
  AND w.completed_at IS NOT NULL
  AND w.status = ANY ($2::text[])
  AND ($3::bigint IS NULL OR w.completed_at < $3)
  AND ($4::bigint IS NULL OR $4 = 0
       OR (w.completed_at, w.id) < (SELECT k.completed_at, k.id
                                    FROM {schema}.workflows k
                                    WHERE k.app = $1
                                      AND k.completed_at IS NOT NULL
                                      AND k.status = ANY ($2::text[])
                                    ORDER BY k.completed_at DESC, k.id DESC
                                    OFFSET greatest($4, 1) - 1 LIMIT 1))
ORDER BY w.completed_at, w.id
LIMIT $5
FOR UPDATE SKIP LOCKED";

/// Deletes what ended long ago, and names it.
pub(super) async fn delete_finished(
    database: &Database,
    request: &DeleteFinished,
) -> Result<Vec<String>, Failure> {
    writes::check([request.app.as_str()], None, [])?;
    let ends = WorkflowStatus::ALL.into_iter();
    let ends = ends.filter(|status| status.is_final());
    let mut work = database.planned(Access::Write).await?;
    if request.completed_before.is_none() && request.keep_latest.is_none() {
        work.roll_back().await;
        return Ok(Vec::new());
    }
    let query = database
        .query(FINISHED)
        .persistent(false)
        .bind(&request.app)
        .bind(ends.map(WorkflowStatus::as_str).collect::<Vec<_>>())
        .bind(request.completed_before.map(Timestamp::as_millis))
        .bind(
            request
                .keep_latest
                .map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
        )
        .bind(i64::from(request.limit));
    let rows = work.fetch(query).await?;
    let ids: Result<Vec<String>, _> = rows.iter().map(|row| column(row, "id")).collect();
    let ids = ids?;
    remove(database, &mut work, &ids).await?;
    work.commit().await?;
    Ok(ids)
}
