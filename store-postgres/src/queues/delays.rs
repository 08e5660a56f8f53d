use durable_api::{
    Timestamp, WorkflowStatus,
    store::{ReleaseDelayed, ReleaseOutcome, SetDelay, SetDelayOutcome},
};

use crate::{
    database::Database,
    error::Failure,
    record::{self, column},
    writes::check,
};

/// Those that somebody else holds are due the next time.
const RELEASE: &str = "
WITH due AS MATERIALIZED (
    SELECT w.id
    FROM {schema}.workflows w
    WHERE w.status = 'DELAYED' AND w.app = $1 AND w.delayed_until <= $2
    ORDER BY w.delayed_until, w.id
    LIMIT $3
    FOR NO KEY UPDATE SKIP LOCKED
), released AS (
    UPDATE {schema}.workflows w
    SET status = 'ENQUEUED', updated_at = $2
    FROM due
    WHERE w.id = due.id
    RETURNING 1
)
SELECT (SELECT count(*) FROM released) AS released,
       (SELECT w.delayed_until
        FROM {schema}.workflows w
        WHERE w.status = 'DELAYED' AND w.app = $1 AND w.delayed_until IS NOT NULL
          AND w.id NOT IN (SELECT id FROM due)
        ORDER BY w.delayed_until, w.id
        LIMIT 1) AS next";

/// Lets wait in their queues what is due.
pub(super) async fn release(
    database: &Database,
    request: &ReleaseDelayed,
) -> Result<ReleaseOutcome, Failure> {
    check([request.app.as_str()], None, [])?;
    let query = database
        .query(RELEASE)
        .bind(&request.app)
        .bind(request.now.as_millis())
        .bind(i64::from(request.limit));
    let rows = database.write(query).await?;
    let Some(row) = rows.first() else {
        return Ok(ReleaseOutcome::default());
    };
    let released: i64 = column(row, "released")?;
    let next: Option<i64> = column(row, "next")?;
    let released = u32::try_from(released).unwrap_or(u32::MAX);
    Ok(ReleaseOutcome::new(
        released,
        next.map(Timestamp::from_millis),
    ))
}

/// Changes when a delayed workflow is due.
pub(super) async fn set_delay(
    database: &Database,
    request: &SetDelay,
) -> Result<SetDelayOutcome, Failure> {
    let id = request.workflow_id.as_str();
    check([id], None, [])?;
    let query = database
        .query(
            "UPDATE {schema}.workflows w SET delayed_until = $2, updated_at = $3
             WHERE w.id = $1 AND w.status || '' = 'DELAYED' RETURNING 1",
        )
        .bind(id.to_owned())
        .bind(request.until.as_millis())
        .bind(request.now.as_millis());
    if !database.write(query).await?.is_empty() {
        return Ok(SetDelayOutcome::Set);
    }
    let query = database
        .query("SELECT w.status FROM {schema}.workflows w WHERE w.id = $1")
        .bind(id.to_owned());
    let rows = database.read(query).await?;
    let Some(row) = rows.first() else {
        return Ok(SetDelayOutcome::UnknownWorkflow);
    };
    let status: Result<WorkflowStatus, _> = column::<String>(row, "status")?.parse();
    let status = status
        .map_err(|error: durable_api::UnknownStatus| record::corrupt(id, &error.to_string()))?;
    Ok(SetDelayOutcome::NotDelayed(status))
}
