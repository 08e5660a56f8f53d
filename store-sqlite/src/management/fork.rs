use durable_api::{
    WorkflowStatus,
    store::{ForkOutcome, ForkWorkflow, WorkflowRecord},
};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    record::corrupt,
    sql::{query, values},
    workflows::find,
    writer::{Hints, Quick, Trouble, Write},
};

/// Forks, all or none.
pub(super) struct Forks(pub(super) Vec<ForkWorkflow>);

impl Write for Forks {
    type Answer = Vec<ForkOutcome>;

    const OPERATION: &'static str = "fork_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<Vec<ForkOutcome>>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Vec<ForkOutcome>, Trouble> {
        // A damaged row fails all of them, which must be known before the first one is written.
        for request in &self.0 {
            for id in [&request.source, &request.id] {
                readable(connection, id).await?;
            }
        }
        let mut outcomes = Vec::with_capacity(self.0.len());
        for request in &self.0 {
            outcomes.push(fork(connection, request).await?);
        }
        Ok(outcomes)
    }

    fn wake(&self, answer: &Vec<ForkOutcome>, hints: &mut Hints) {
        if answer.contains(&ForkOutcome::Forked) {
            hints.claimable();
            if self.0.iter().any(|request| request.queue.is_some()) {
                hints.enqueued();
            }
        }
    }
}

async fn readable(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Option<WorkflowRecord>, Trouble> {
    let found = find(connection, id).await?.transpose();
    Ok(found.map_err(|damaged| corrupt(Forks::OPERATION, &damaged))?)
}

async fn fork(
    connection: &mut SqliteConnection,
    request: &ForkWorkflow,
) -> Result<ForkOutcome, Trouble> {
    let existing = readable(connection, &request.id).await?;
    if let Some(row) = &existing {
        return Ok(if row.forked_from.as_ref() == Some(&request.source) {
            // The repetition of a fork, whose source may be gone by now.
            ForkOutcome::Forked
        } else {
            ForkOutcome::Conflict
        });
    }
    let source = query(
        "SELECT seq FROM workflows WHERE id = ?",
        values![request.source.as_str()],
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(source) = source else {
        return Ok(ForkOutcome::UnknownSource);
    };
    copy(connection, source.try_get("seq")?, request).await?;
    Ok(ForkOutcome::Forked)
}

async fn copy(
    connection: &mut SqliteConnection,
    source: i64,
    request: &ForkWorkflow,
) -> Result<(), sqlx::Error> {
    let status = match request.queue {
        None => WorkflowStatus::Pending,
        Some(_) => WorkflowStatus::Enqueued,
    };
    let copy = query(
        "INSERT INTO workflows (id, app, name, status, queue, place, version, recovery_attempts, forked_from, \
             caller_user, caller_role, caller_roles, attributes, created_at, updated_at, input_encoding, input) \
         SELECT ?1, app, name, ?2, ?3, iif(?3 IS NULL, NULL, (SELECT next FROM places)), ifnull(?4, version), 0, id, \
             caller_user, caller_role, caller_roles, attributes, ?5, ?5, input_encoding, input \
         FROM workflows WHERE seq = ?6",
        values![
            request.id.as_str(),
            status.as_str(),
            request.queue.as_deref(),
            request.version.as_deref(),
            request.now,
            source,
        ],
    )
    .execute(&mut *connection)
    .await?
    .last_insert_rowid();
    query(
        "INSERT INTO attributes (workflow, name, value) \
         SELECT ?, name, value FROM attributes WHERE workflow = ?",
        values![copy, source],
    )
    .execute(&mut *connection)
    .await?;
    for sql in STEPS_AND_THEIR_EFFECTS {
        query(sql, values![copy, source, request.from_step])
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The parameters are the copy, the source, and the first step that is not copied.
const STEPS_AND_THEIR_EFFECTS: [&str; 3] = [
    "INSERT INTO steps (workflow, step_id, name, child_id, started_at, completed_at, \
         failed, outcome_encoding, outcome, completions) \
     SELECT ?, step_id, name, child_id, started_at, completed_at, failed, outcome_encoding, outcome, completions \
     FROM steps WHERE workflow = ? AND step_id < ?",
    // In their order, so that the same value of each event is the last one.
    "INSERT INTO events (workflow, key, step_id, encoding, value) \
     SELECT ?, key, step_id, encoding, value FROM events WHERE workflow = ? AND step_id < ? ORDER BY seq",
    // Numbered anew, because later steps may have written between them.
    "INSERT INTO stream_values (workflow, key, position, step_id, write_id, encoding, value) \
     SELECT ?, key, row_number() OVER (PARTITION BY key ORDER BY position) - 1, step_id, write_id, encoding, value \
     FROM stream_values WHERE workflow = ? AND step_id < ?",
];
