use std::collections::HashMap;

use durable_api::{
    WorkflowStatus,
    store::{
        ClaimWorkflows, ClaimedWorkflow, ClaimedWorkflows, DamagedWorkflow, Payloads, StepRecord,
        WorkflowRecord,
    },
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    executors::is_registered,
    record::{payload_columns, step, step_columns, workflow, workflow_columns},
    sql::{Value, json_numbers, json_texts, query, values},
    steps::execution,
    writer::{Quick, Trouble, Write},
};

impl Write for ClaimWorkflows {
    type Answer = ClaimedWorkflows;

    const OPERATION: &'static str = "claim_workflows";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<ClaimedWorkflows>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ClaimedWorkflows, Trouble> {
        let mut answer = ClaimedWorkflows::new();
        // Whoever is not registered would be robbed of its claim at once.
        if !is_registered(connection, self.owner.incarnation).await? {
            return Ok(answer);
        }
        let limit = self.limit as usize;
        let mut candidates = repeated(connection, self).await?;
        for owner in orphaned_owners(connection).await? {
            candidates.extend(lost_by(connection, self, owner, &mut answer.damaged).await?);
        }
        // What an earlier call with the same owner took, then the oldest.
        candidates.sort_by(|a, b| a.place(self).cmp(&b.place(self)));
        answer.more = candidates.len() >= limit;
        candidates.truncate(limit);

        let (dead, mut taken): (Vec<_>, Vec<_>) = candidates
            .into_iter()
            .partition(|candidate| candidate.is_lost_too_often(self));
        bury(connection, self, &dead).await?;
        take(connection, self, &mut taken).await?;
        answer.dead_lettered = dead.into_iter().map(|dead| dead.record.id).collect();
        taken.sort_by(|a, b| {
            (a.record.created_at, &a.record.id).cmp(&(b.record.created_at, &b.record.id))
        });
        answer.claimed = taken
            .into_iter()
            .map(|taken| ClaimedWorkflow::new(taken.record, taken.history))
            .collect();
        Ok(answer)
    }
}

/// A workflow that may be claimed, all of it readable.
struct Candidate {
    seq: i64,
    record: WorkflowRecord,
    history: Vec<StepRecord>,
}

impl Candidate {
    fn is_repeated(&self, request: &ClaimWorkflows) -> bool {
        self.record.owner == Some(request.owner)
    }

    fn place(&self, request: &ClaimWorkflows) -> impl Ord {
        (
            !self.is_repeated(request),
            self.record.created_at,
            self.record.id.clone(),
        )
    }

    /// One without an owner was handed back, which is no attempt.
    fn is_lost_too_often(&self, request: &ClaimWorkflows) -> bool {
        let limit = request
            .workflows
            .iter()
            .find(|one| one.name == self.record.name)
            .map_or(u32::MAX, |one| one.max_recovery_attempts);
        self.record.owner.is_some()
            && !self.is_repeated(request)
            && self.record.recovery_attempts >= limit
    }
}

/// What the request's owner has, from a call whose answer was lost.
async fn repeated(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = query(
        concat!(
            "SELECT ",
            workflow_columns!(),
            ", ",
            payload_columns!(),
            " FROM workflows WHERE status = 'PENDING' AND owner_incarnation = ? AND owner_execution = ? \
              AND app = ? AND name IN (SELECT value FROM json_each(?)) AND (version = ? OR (version IS NULL AND ?)) \
              ORDER BY created_at, id LIMIT ?"
        ),
        values![
            request.owner.incarnation,
            execution(request.owner),
            request.app.as_str(),
            names(request),
            request.version.as_str(),
            i64::from(request.unversioned),
            request.limit,
        ],
    )
    .fetch_all(&mut *connection)
    .await?;
    readable(connection, rows, &mut Vec::new()).await
}

/// Owners of pending workflows that are not registered executors; null stands for none at all.
async fn orphaned_owners(connection: &mut SqliteConnection) -> Result<Vec<Value>, sqlx::Error> {
    // From one owner to the next by the index: the count of owners matters, not that of workflows.
    let rows = query(
        "WITH RECURSIVE owners (owner) AS ( \
             SELECT min(owner_incarnation) FROM workflows \
                 WHERE status = 'PENDING' AND owner_incarnation IS NOT NULL \
             UNION ALL \
             SELECT (SELECT min(owner_incarnation) FROM workflows \
                 WHERE status = 'PENDING' AND owner_incarnation > owner) \
             FROM owners WHERE owner IS NOT NULL \
         ) \
         SELECT owner FROM owners \
         WHERE owner IS NOT NULL AND owner NOT IN (SELECT incarnation FROM executors)",
        values![],
    )
    .fetch_all(connection)
    .await?;
    let mut owners = vec![Value::Null];
    for row in rows {
        owners.push(Value::Blob(row.try_get(0)?));
    }
    Ok(owners)
}

/// The oldest workflows that one owner left, a limit's worth of readable ones.
async fn lost_by(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
    owner: Value,
    damaged: &mut Vec<DamagedWorkflow>,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut skip = 0;
    loop {
        let wanted = (request.limit as usize).saturating_sub(found.len());
        let rows = query(
            concat!(
                "SELECT ",
                workflow_columns!(),
                ", ",
                payload_columns!(),
                " FROM workflows WHERE status = 'PENDING' AND owner_incarnation IS ? AND app = ? \
                  AND name IN (SELECT value FROM json_each(?)) AND (version = ? OR (version IS NULL AND ?)) \
                  ORDER BY created_at, id LIMIT ? OFFSET ?"
            ),
            values![
                owner.clone(),
                request.app.as_str(),
                names(request),
                request.version.as_str(),
                i64::from(request.unversioned),
                i64::try_from(wanted).unwrap_or(i64::MAX),
                skip,
            ],
        )
        .fetch_all(&mut *connection)
        .await?;
        let count = rows.len();
        found.extend(readable(connection, rows, damaged).await?);
        skip += i64::try_from(count).unwrap_or(i64::MAX);
        // Damaged ones do not count, or they would keep back all that come after them.
        if count < wanted || found.len() >= request.limit as usize {
            return Ok(found);
        }
    }
}

/// Loads the histories. What cannot be read, be it the workflow or a checkpoint, goes to `damaged`.
async fn readable(
    connection: &mut SqliteConnection,
    rows: Vec<SqliteRow>,
    damaged: &mut Vec<DamagedWorkflow>,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let mut candidates = Vec::with_capacity(rows.len());
    for row in &rows {
        match workflow(row, Payloads::Load) {
            Ok(record) => candidates.push(Candidate {
                seq: row.try_get("seq")?,
                record,
                history: Vec::new(),
            }),
            Err(one) => damaged.push(one),
        }
    }
    let steps = query(
        concat!(
            "SELECT ",
            step_columns!(),
            " FROM steps WHERE workflow IN (SELECT value FROM json_each(?)) ORDER BY workflow, step_id"
        ),
        values![json_numbers(candidates.iter().map(|candidate| candidate.seq))],
    )
    .fetch_all(connection)
    .await?;
    let mut histories: HashMap<i64, Result<Vec<StepRecord>, String>> = HashMap::new();
    for row in &steps {
        let history = histories
            .entry(row.try_get("workflow")?)
            .or_insert_with(|| Ok(Vec::new()));
        if let Ok(steps) = history {
            match step(row) {
                Ok(step) => steps.push(step),
                Err(reason) => *history = Err(reason),
            }
        }
    }
    candidates.retain_mut(|candidate| match histories.remove(&candidate.seq) {
        None => true,
        Some(Ok(history)) => {
            candidate.history = history;
            true
        }
        Some(Err(reason)) => {
            damaged.push(DamagedWorkflow::new(&candidate.record.id, reason));
            false
        }
    });
    Ok(candidates)
}

/// Makes dead letters.
async fn bury(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
    dead: &[Candidate],
) -> Result<(), sqlx::Error> {
    if dead.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE workflows SET status = ?, updated_at = ?, completed_at = ? \
         WHERE seq IN (SELECT value FROM json_each(?))",
        values![
            WorkflowStatus::MaxRecoveryAttemptsExceeded.as_str(),
            request.now,
            request.now,
            json_numbers(dead.iter().map(|dead| dead.seq)),
        ],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes the request's owner the owner, in the rows and in the records.
async fn take(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
    taken: &mut [Candidate],
) -> Result<(), sqlx::Error> {
    let fresh = || {
        taken
            .iter()
            .filter(|candidate| !candidate.is_repeated(request))
            .map(|candidate| candidate.seq)
    };
    if fresh().next().is_none() {
        return Ok(());
    }
    query(
        "UPDATE workflows SET \
             recovery_attempts = recovery_attempts + (owner_incarnation IS NOT NULL), \
             owner_incarnation = ?, owner_execution = ?, executor_id = ?, updated_at = ? \
         WHERE seq IN (SELECT value FROM json_each(?))",
        values![
            request.owner.incarnation,
            execution(request.owner),
            request.executor_id.as_str(),
            request.now,
            json_numbers(fresh()),
        ],
    )
    .execute(connection)
    .await?;
    for candidate in taken {
        if candidate.is_repeated(request) {
            continue;
        }
        let record = &mut candidate.record;
        record.recovery_attempts += u32::from(record.owner.is_some());
        record.owner = Some(request.owner);
        record.executor_id = Some(request.executor_id.clone());
        record.updated_at = request.now;
    }
    Ok(())
}

fn names(request: &ClaimWorkflows) -> String {
    json_texts(request.workflows.iter().map(|one| one.name.as_str()))
}
