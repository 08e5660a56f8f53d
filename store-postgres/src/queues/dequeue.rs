//! Dequeuing: one call of a function of the schema, which takes workflows from all queues and returns them.
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use durable_api::{
    Timestamp,
    store::{
        ClaimedWorkflow, DamagedWorkflow, DequeueWorkflows, DequeuedWorkflows, Payloads,
        StepRecord, StoreErrorKind,
    },
};
use sqlx::postgres::PgRow;

use crate::{
    database::{Access, Database},
    error::Failure,
    record::{self, STEP_COLUMNS, column, workflow_columns},
    writes::execution,
};

/// Counts dequeues, so that each begins with another queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<AtomicU64>);

impl Turns {
    fn next(&self) -> i64 {
        // The sign would turn the order round.
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        turn.cast_signed() & 0xffff_ffff
    }
}

/// Takes what may start.
pub(super) async fn dequeue(
    database: &Database,
    turns: &Turns,
    request: &DequeueWorkflows,
) -> Result<DequeuedWorkflows, Failure> {
    let turn = turns.next();
    let rows = match run(database, request, turn, Scope::Single).await {
        // The role's default is another isolation level.
        Err(failure) if failure.sqlstate() == Some("25001") => {
            run(database, request, turn, Scope::Transaction).await?
        }
        rows => rows?,
    };
    let mut answer = DequeuedWorkflows::new();
    let mut unreadable = Vec::new();
    let mut with_history = Vec::new();
    let mut set_aside = Vec::new();
    for row in &rows {
        let kind: String = column(row, "kind")?;
        if kind == "end" {
            answer.more = column(row, "more")?;
            answer.held = column(row, "held")?;
            let retry_at: Option<i64> = column(row, "retry_at")?;
            answer.retry_at = retry_at.map(Timestamp::from_millis);
            continue;
        }
        match record::workflow_or_damage(row, Payloads::Load)? {
            Err(damage) => {
                if kind != "damaged" {
                    unreadable.push(damage.workflow_id.clone());
                }
                answer.damaged.push(damage);
            }
            Ok(record) if kind == "damaged" => set_aside.push(record.id),
            Ok(record) => {
                if kind == "resumed" {
                    with_history.push(record.id.clone());
                }
                answer
                    .taken
                    .push(ClaimedWorkflow::new(record, Vec::<StepRecord>::new()));
            }
        }
    }
    if !with_history.is_empty() || !set_aside.is_empty() {
        let ids = with_history.iter().chain(&set_aside).cloned().collect();
        let mut histories = histories(database, ids).await.map_err(in_doubt)?;
        for id in set_aside {
            let damage = match histories.remove(&id) {
                Some(Err(damage)) => damage,
                _ => "it does not fit together".to_owned(),
            };
            answer.damaged.push(DamagedWorkflow::new(id, damage));
        }
        let taken = std::mem::take(&mut answer.taken);
        for mut workflow in taken {
            match histories.remove(&workflow.record.id) {
                Some(Err(damage)) => {
                    unreadable.push(workflow.record.id.clone());
                    let damaged = DamagedWorkflow::new(workflow.record.id, damage);
                    answer.damaged.push(damaged);
                    continue;
                }
                Some(Ok(history)) => workflow.history = history,
                None => {}
            }
            answer.taken.push(workflow);
        }
    }
    if !unreadable.is_empty() {
        put_back(database, request, unreadable)
            .await
            .map_err(in_doubt)?;
    }
    Ok(answer)
}

/// Whether the statement commits by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Single,
    Transaction,
}

async fn run(
    database: &Database,
    request: &DequeueWorkflows,
    turn: i64,
    scope: Scope,
) -> Result<Vec<PgRow>, Failure> {
    let sql = format!(
        "SELECT d.kind, d.more, d.held, d.retry_at, {}
         FROM {{schema}}.dequeue($1, $2::text[], $3::text[], $4::text[], $5, $6, $7, $8, $9, $10) AS d
         CROSS JOIN LATERAL (SELECT (d.workflow).*) AS w",
        workflow_columns(Payloads::Load)
    );
    // As in the index of what waits.
    let mut versions = vec![format!(".{}", request.version)];
    versions.extend(request.unversioned.then(String::new));
    let names: Vec<&str> = request
        .workflows
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let query = database
        .query(&sql)
        .bind(&request.app)
        .bind(versions)
        .bind(names)
        .bind(request.queues.as_ref())
        .bind(&request.executor_id)
        .bind(request.owner.incarnation.0)
        .bind(execution(request.owner))
        .bind(i64::from(request.limit))
        .bind(turn)
        .bind(request.now.as_millis());
    let mut work = match scope {
        Scope::Single => database.single(Access::Write).await?,
        Scope::Transaction => database.transaction(Access::Write).await?,
    };
    let rows = work.fetch(query).await?;
    work.commit().await?;
    Ok(rows)
}

/// The checkpoints of each workflow that has some, or what is wrong with one of them. Those of workflows that are taken do not change: nobody
/// writes to them before their new owner hears of it.
async fn histories(
    database: &Database,
    ids: Vec<String>,
) -> Result<HashMap<String, Result<Vec<StepRecord>, String>>, Failure> {
    let sql = format!(
        "SELECT {STEP_COLUMNS} FROM {{schema}}.steps s WHERE s.workflow_id = ANY ($1::text[]) \
         ORDER BY s.workflow_id, s.step_id"
    );
    let rows = database.read(database.query(&sql).bind(ids)).await?;
    record::histories(&rows)
}

/// What the function took for readable and is not waits again, as it was.
async fn put_back(
    database: &Database,
    request: &DequeueWorkflows,
    ids: Vec<String>,
) -> Result<(), Failure> {
    let query = database
        .query(
            "UPDATE {schema}.workflows w
             SET status = 'ENQUEUED', owner_incarnation = NULL, owner_execution = NULL
             WHERE w.id = ANY ($1::text[]) AND w.status || '' = 'PENDING'
               AND w.owner_incarnation = $2 AND w.owner_execution = $3",
        )
        .bind(ids)
        .bind(request.owner.incarnation.0)
        .bind(execution(request.owner));
    database.write(query).await?;
    Ok(())
}

/// Something is taken already, so the request must be repeated as it is.
fn in_doubt(mut failure: Failure) -> Failure {
    failure.kind = match failure.kind {
        StoreErrorKind::Unavailable | StoreErrorKind::Contention => StoreErrorKind::Indeterminate,
        kind => kind,
    };
    failure
}
