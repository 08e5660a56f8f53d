use durable_api::{WorkflowStatus, store::DequeueWorkflows};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    sql::{json_numbers, query, values},
    steps::execution,
    workflows::candidates::Candidate,
};

/// What the request's owner has, from a call whose answer was lost.
pub(super) async fn repeated(
    connection: &mut SqliteConnection,
    request: &DequeueWorkflows,
) -> Result<Vec<i64>, sqlx::Error> {
    query(
        "SELECT seq FROM workflows WHERE status = 'PENDING' AND queue IS NOT NULL \
         AND owner_incarnation = ? AND owner_execution = ? AND app = ? ORDER BY priority, seq LIMIT ?",
        values![
            request.owner.incarnation,
            execution(request.owner),
            request.app.as_str(),
            request.limit,
        ],
    )
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect()
}

/// Makes the request's owner the owner, in the rows and in the records.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    request: &DequeueWorkflows,
    found: &mut [Candidate],
) -> Result<(), sqlx::Error> {
    if found.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE workflows SET status = 'PENDING', owner_incarnation = ?1, owner_execution = ?2, \
             executor_id = ?3, started_at = ?4, updated_at = ?4, \
             deadline = iif(timeout IS NULL OR started_at IS NOT NULL, deadline, \
                 min(ifnull(deadline, ?4 + timeout), ?4 + timeout)) \
         WHERE seq IN (SELECT value FROM json_each(?5))",
        values![
            request.owner.incarnation,
            execution(request.owner),
            request.executor_id.as_str(),
            request.now,
            json_numbers(found.iter().map(|one| one.seq)),
        ],
    )
    .execute(connection)
    .await?;
    for Candidate { record, .. } in found {
        if let (Some(timeout), None) = (record.timeout, record.started_at) {
            let end = request.now.saturating_add(timeout);
            record.deadline = record.deadline.into_iter().chain([end]).min();
        }
        record.status = WorkflowStatus::Pending;
        record.owner = Some(request.owner);
        record.executor_id = Some(request.executor_id.clone());
        record.started_at = Some(request.now);
        record.updated_at = request.now;
    }
    Ok(())
}

/// How a partition stands with its turns.
pub(super) struct Turn {
    pub(super) partition: i64,
    pub(super) served: i64,
    pub(super) used: u32,
}

/// Writes turns; and that partitions, these and the `empty` ones, have nothing waiting any more, if that is so.
pub(super) async fn note_turns(
    connection: &mut SqliteConnection,
    turns: &[Turn],
    empty: &[i64],
) -> Result<(), sqlx::Error> {
    if !turns.is_empty() {
        let rows: Vec<_> = turns
            .iter()
            .map(|turn| (turn.partition, turn.served, turn.used))
            .collect();
        query(
            "UPDATE partitions SET served = turn.value ->> 1, used = turn.value ->> 2 \
             FROM json_each(?) AS turn WHERE partitions.seq = turn.value ->> 0",
            values![serde_json::json!(rows).to_string()],
        )
        .execute(&mut *connection)
        .await?;
    }
    let seen = turns.iter().map(|turn| turn.partition);
    let seen: Vec<i64> = seen.chain(empty.iter().copied()).collect();
    if !seen.is_empty() {
        query(
            "UPDATE partitions AS p SET waiting = 0 WHERE seq IN (SELECT value FROM json_each(?)) AND waiting = 1 \
             AND NOT EXISTS (SELECT 1 FROM workflows AS w WHERE w.status = 'ENQUEUED' \
                 AND w.app = p.app AND w.queue = p.queue AND w.partition_key IS p.partition_key)",
            values![json_numbers(seen)],
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}
