use durable_api::{
    Timestamp,
    store::{DamagedWorkflow, Enqueue, InsertOutcome, InsertWorkflow, ParentCheckpoint},
};
use sqlx::SqliteConnection;

use super::accept::token;
use crate::{
    record::corrupt,
    sql::{query, values},
    steps::{find_step, owned},
    writer::{Trouble, Write as _},
};

/// How a child stands with its parent's step.
pub(super) enum Checkpoint {
    /// It is to be written, to the parent in this row.
    Wanted(i64),
    /// It is written, or the workflow has no parent.
    Written,
    /// The request has its answer.
    Refused(Box<InsertOutcome>),
}

pub(super) async fn judge(
    connection: &mut SqliteConnection,
    parent: &ParentCheckpoint,
    request: &InsertWorkflow,
) -> Result<Checkpoint, Trouble> {
    let Some(row) = owned(connection, &parent.workflow_id, parent.owner).await? else {
        return Ok(Checkpoint::Refused(Box::new(InsertOutcome::ParentNotOwner)));
    };
    let found = find_step(connection, row, parent.step_id)
        .await?
        .transpose()
        .map_err(|reason| {
            corrupt(
                InsertWorkflow::OPERATION,
                &DamagedWorkflow::new(&parent.workflow_id, reason),
            )
        })?;
    let Some(step) = found else {
        return Ok(Checkpoint::Wanted(row));
    };
    let answer = match (&step.child_id, &request.enqueue) {
        (Some(child), _) if *child == request.id => return Ok(Checkpoint::Written),
        (Some(child), Some(enqueue)) if step.name == parent.step_name => {
            stand_in(connection, request, enqueue, child).await?
        }
        _ => None,
    };
    let answer = answer.unwrap_or(InsertOutcome::StepTaken(step));
    Ok(Checkpoint::Refused(Box::new(answer)))
}

/// Writes that the parent's step started `child`.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    row: i64,
    parent: &ParentCheckpoint,
    child: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    query(
        "INSERT INTO steps (workflow, step_id, name, child_id, started_at, completed_at, completions) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        values![
            row,
            parent.step_id,
            parent.step_name.as_str(),
            child,
            now,
            now,
            parent.completions.as_deref(),
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What an earlier call of the request was answered, if the checkpoint names another workflow because that one was pushed
/// back, or has the deduplication id.
async fn stand_in(
    connection: &mut SqliteConnection,
    request: &InsertWorkflow,
    enqueue: &Enqueue,
    child: &str,
) -> Result<Option<InsertOutcome>, sqlx::Error> {
    let key = enqueue.debounce.as_ref().map(|one| one.key.as_str());
    let debounced = query(
        "SELECT 1 FROM pushes p JOIN workflows w ON w.seq = p.workflow \
         WHERE p.token = ? AND w.id = ? AND w.app = ? AND w.name = ? AND w.debounce_key = ?",
        values![
            token(request),
            child,
            request.app.as_str(),
            request.name.as_str(),
            key
        ],
    )
    .fetch_optional(&mut *connection)
    .await?;
    if debounced.is_some() {
        return Ok(Some(InsertOutcome::Debounced(child.to_owned())));
    }
    let deduplicated = query(
        "SELECT 1 FROM workflows WHERE id = ? AND app = ? AND queue = ? AND deduplication_id = ?",
        values![
            child,
            request.app.as_str(),
            enqueue.queue.as_str(),
            enqueue.deduplication_id.as_deref(),
        ],
    )
    .fetch_optional(connection)
    .await?;
    Ok(deduplicated.map(|_| InsertOutcome::Deduplicated(child.to_owned())))
}
