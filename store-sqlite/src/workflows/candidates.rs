use std::collections::HashMap;

use durable_api::store::{DamagedWorkflow, Payloads, StepRecord, WorkflowRecord};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    record::{payload_columns, step, step_columns, workflow, workflow_columns},
    sql::{json_numbers, query, values},
};

/// A workflow that may change hands, all of it readable.
pub(crate) struct Candidate {
    pub(crate) seq: i64,
    pub(crate) record: WorkflowRecord,
    pub(crate) history: Vec<StepRecord>,
}

/// One that cannot be read.
pub(crate) struct Damaged {
    pub(crate) seq: i64,
    pub(crate) reason: DamagedWorkflow,
}

/// Workflows with their histories, oldest first; and those that cannot be read, be it for the row itself or for a
/// checkpoint. The history of one that `has_history` denies is empty.
pub(crate) async fn load(
    connection: &mut SqliteConnection,
    seqs: &[i64],
    has_history: impl Fn(&WorkflowRecord) -> bool,
) -> Result<(Vec<Candidate>, Vec<Damaged>), sqlx::Error> {
    if seqs.is_empty() {
        return Ok(Default::default());
    }
    let rows = query(
        concat!(
            "SELECT ",
            workflow_columns!(),
            ", ",
            payload_columns!(),
            " FROM workflows WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY created_at, id"
        ),
        values![json_numbers(seqs.iter().copied())],
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push((row.try_get("seq")?, workflow(row, Payloads::Load)));
    }
    let with_history = found
        .iter()
        .filter(|(_, record)| record.as_ref().is_ok_and(&has_history))
        .map(|(seq, _)| *seq);
    let mut histories = histories(connection, with_history.collect()).await?;
    let mut candidates = Vec::with_capacity(found.len());
    let mut damaged = Vec::new();
    for (seq, record) in found {
        let history = histories.remove(&seq).unwrap_or_else(|| Ok(Vec::new()));
        let reason = match (record, history) {
            (Ok(record), Ok(history)) => {
                candidates.push(Candidate {
                    seq,
                    record,
                    history,
                });
                continue;
            }
            (Ok(record), Err(reason)) => DamagedWorkflow::new(record.id, reason),
            (Err(reason), _) => reason,
        };
        damaged.push(Damaged { seq, reason });
    }
    Ok((candidates, damaged))
}

/// The checkpoints of each workflow, or what is wrong with one of them.
async fn histories(
    connection: &mut SqliteConnection,
    seqs: Vec<i64>,
) -> Result<HashMap<i64, Result<Vec<StepRecord>, String>>, sqlx::Error> {
    if seqs.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = query(
        concat!(
            "SELECT ",
            step_columns!(),
            " FROM steps WHERE workflow IN (SELECT value FROM json_each(?)) ORDER BY workflow, step_id"
        ),
        values![json_numbers(seqs)],
    )
    .fetch_all(connection)
    .await?;
    let mut histories = HashMap::new();
    for row in &rows {
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
    Ok(histories)
}
