use durable_api::store::{ForkOutcome, ForkWorkflow, StoreErrorKind};

use crate::{
    database::{Access, Database, Work},
    error::Failure,
    record::column,
    writes,
};

/// How often an id may be taken and freed, under our eyes, before the caller is asked to try again.
const ATTEMPTS: usize = 3;

/// Copies a workflow, if the new id is free: its row, and what its steps before `$3` left. The values of a stream move up into the
/// places of those that are not copied; a close goes to the place after the last value.
const COPY: &str = "
WITH made AS (
    INSERT INTO {schema}.workflows (id, app, name, status, version, forked_from, created_at, updated_at,
                                    input_encoding, input, caller_user, caller_role, caller_roles,
                                    attributes, queue, priority, place)
    SELECT $2, w.app, w.name, CASE WHEN $6::text IS NULL THEN 'PENDING' ELSE 'ENQUEUED' END,
           coalesce($4, w.version), w.id, $5, $5,
           w.input_encoding, w.input, w.caller_user, w.caller_role, w.caller_roles, w.attributes,
           $6, CASE WHEN $6 IS NOT NULL THEN 0 END,
           CASE WHEN $6 IS NOT NULL THEN {number} END
    FROM {schema}.workflows w
    WHERE w.id = $1
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), copied_steps AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, failed, child_id, started_at,
                                completed_at, outcome_encoding, outcome, completions)
    SELECT made.id, s.step_id, s.name, s.failed, s.child_id, s.started_at,
           s.completed_at, s.outcome_encoding, s.outcome, s.completions
    FROM made CROSS JOIN {schema}.steps s
    WHERE s.workflow_id = $1 AND s.step_id < $3
), copied_events AS (
    INSERT INTO {schema}.events (workflow_id, key, step_id, encoding, value)
    SELECT made.id, e.key, e.step_id, e.encoding, e.value
    FROM made CROSS JOIN {schema}.events e
    WHERE e.workflow_id = $1 AND e.step_id < $3
    ORDER BY e.sequence
), kept AS MATERIALIZED (
    SELECT made.id, v.key, v.step_id, v.encoding, v.value,
           row_number() OVER (PARTITION BY v.key ORDER BY v.place, v.value IS NULL) - 1 AS place
    FROM made CROSS JOIN {schema}.stream_values v
    WHERE v.workflow_id = $1 AND v.step_id < $3
), copied_streams AS (
    INSERT INTO {schema}.streams (workflow_id, key, length, closed)
    SELECT id, key, count(value), bool_or(value IS NULL)
    FROM kept
    GROUP BY id, key
), copied_values AS (
    INSERT INTO {schema}.stream_values (workflow_id, key, place, step_id, encoding, value)
    SELECT id, key, place, step_id, encoding, value
    FROM kept
)
SELECT id FROM made";

/// Makes workflows out of the first steps of others.
pub(super) async fn fork(
    database: &Database,
    requests: &[ForkWorkflow],
) -> Result<Vec<ForkOutcome>, Failure> {
    let texts = requests.iter().flat_map(|one| {
        let optional = one.version.iter().chain(&one.queue);
        [&one.source, &one.id].into_iter().chain(optional)
    });
    writes::check(texts.map(String::as_str), None, [])?;

    let mut work = database.transaction(Access::Write).await?;
    lock_sources(database, &mut work, requests).await?;
    let mut outcomes = Vec::with_capacity(requests.len());
    for request in requests {
        outcomes.push(fork_one(database, &mut work, request).await?);
    }
    work.commit().await?;
    Ok(outcomes)
}

/// While a source is locked, its execution writes nothing, and nobody deletes it: all that is copied is of one instant.
async fn lock_sources(
    database: &Database,
    work: &mut Work,
    requests: &[ForkWorkflow],
) -> Result<(), Failure> {
    let sources: Vec<&str> = requests.iter().map(|one| one.source.as_str()).collect();
    let query = database
        .query(
            "SELECT w.id FROM {schema}.workflows w WHERE w.id = ANY ($1::text[])
             ORDER BY w.id FOR NO KEY UPDATE",
        )
        .bind(sources);
    work.fetch(query).await?;
    Ok(())
}

/// Copies one, or says why not.
async fn fork_one(
    database: &Database,
    work: &mut Work,
    request: &ForkWorkflow,
) -> Result<ForkOutcome, Failure> {
    for _ in 0..ATTEMPTS {
        if copy(database, work, request).await? {
            return Ok(ForkOutcome::Forked);
        }
        // A fork whose answer was lost is told that it is done, also when its source is gone since.
        let existing = database
            .query("SELECT w.forked_from FROM {schema}.workflows w WHERE w.id = $1")
            .bind(&request.id);
        if let Some(row) = work.fetch(existing).await?.first() {
            let forked_from: Option<String> = column(row, "forked_from")?;
            return Ok(match forked_from {
                Some(source) if source == request.source => ForkOutcome::Forked,
                _ => ForkOutcome::Conflict,
            });
        }
        if !exists(database, work, &request.source).await? {
            return Ok(ForkOutcome::UnknownSource);
        }
    }
    Err(Failure::new(
        StoreErrorKind::Contention,
        format!("workflow `{}` comes and goes", request.id),
    ))
}

/// Whether the workflow is there; then it stays until the end of the transaction.
async fn exists(database: &Database, work: &mut Work, id: &str) -> Result<bool, Failure> {
    let query = database
        .query("SELECT 1 FROM {schema}.workflows w WHERE w.id = $1 FOR NO KEY UPDATE")
        .bind(id.to_owned());
    Ok(!work.fetch(query).await?.is_empty())
}

/// Whether there is a source, and the id was free.
async fn copy(
    database: &Database,
    work: &mut Work,
    request: &ForkWorkflow,
) -> Result<bool, Failure> {
    if !exists(database, work, &request.source).await? {
        return Ok(false);
    }
    let query = database
        .query(COPY)
        .bind(&request.source)
        .bind(&request.id)
        .bind(i64::from(request.from_step))
        .bind(&request.version)
        .bind(request.now.as_millis())
        .bind(&request.queue);
    Ok(!work.fetch(query).await?.is_empty())
}
