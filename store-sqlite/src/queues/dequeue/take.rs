use durable_api::{WorkflowStatus, store::DequeueWorkflows};
use sqlx::{Row as _, SqliteConnection};

use super::partition::Partition;
use crate::{
    sql::{json_numbers, query, values},
    steps::execution,
    workflows::candidates::Candidate,
};

/// What the request's owner has, from a call whose answer was lost, in the order of its queue.
pub(super) async fn repeated(
    connection: &mut SqliteConnection,
    request: &DequeueWorkflows,
) -> Result<Vec<i64>, sqlx::Error> {
    query(
        "SELECT seq FROM workflows WHERE status = 'PENDING' AND queue IS NOT NULL \
         AND owner_incarnation = ? AND owner_execution = ? AND app = ? \
         ORDER BY priority, place LIMIT ?",
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
                 min(ifnull(deadline, 9223372036854775807), ?4 + min(timeout, 9223372036854775807 - max(?4, 0)))) \
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
            let by_timeout = request.now.saturating_add(timeout);
            record.deadline = Some(
                record
                    .deadline
                    .map_or(by_timeout, |time| time.min(by_timeout)),
            );
        }
        record.status = WorkflowStatus::Pending;
        record.owner = Some(request.owner);
        record.executor_id = Some(request.executor_id.clone());
        record.started_at = Some(request.now);
        record.updated_at = request.now;
    }
    Ok(())
}

/// Writes the turns of partitions; and that they have nothing waiting any more, if that is so.
pub(super) async fn note_turns(
    connection: &mut SqliteConnection,
    partitions: &[Partition],
) -> Result<(), sqlx::Error> {
    let changed = partitions.iter().filter(|partition| partition.changed);
    let turns: Vec<_> = changed
        .map(|partition| (partition.seq, partition.served, partition.used))
        .collect();
    if !turns.is_empty() {
        query(
            "UPDATE partitions SET served = turn.value ->> 1, used = turn.value ->> 2 \
             FROM json_each(?) AS turn WHERE partitions.seq = turn.value ->> 0",
            values![serde_json::json!(turns).to_string()],
        )
        .execute(&mut *connection)
        .await?;
    }
    if !partitions.is_empty() {
        query(
            "UPDATE partitions AS p SET waiting = 0 WHERE seq IN (SELECT value FROM json_each(?)) AND waiting = 1 \
             AND NOT EXISTS (SELECT 1 FROM workflows AS w WHERE w.status = 'ENQUEUED' \
                 AND w.app = p.app AND w.queue = p.queue AND w.partition_key IS p.partition_key)",
            values![json_numbers(partitions.iter().map(|one| one.seq))],
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}
