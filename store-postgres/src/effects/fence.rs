use durable_api::{Timestamp, store::StepRef};
use sqlx::postgres::PgRow;

use crate::{
    batch::{Column, Filling, Statement},
    database::Database,
    error::Failure,
    record::column,
    writes::{execution, index},
};

/// What a fence, or the effect behind it, says of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fenced<T> {
    /// The step may be written: what became of the effect.
    Passed(T),
    /// The owner may write, but the step has a checkpoint.
    Taken,
    NotOwner,
}

/// What a fence judges an item by.
const COLUMNS: [Column; 9] = [
    ("workflow_id", "text"),
    ("incarnation", "uuid"),
    ("execution", "bigint"),
    ("step_id", "bigint"),
    ("step_name", "text"),
    ("recorded", "boolean"),
    ("started_at", "bigint"),
    ("now", "bigint"),
    ("completions", "text"),
];

/// A statement that writes effects. `effect` has the columns of the effect; `body` goes on from `owned`, the items
/// whose owner may write, with `taken` where the step has a checkpoint.
///
/// Why this is exact: as in `record_step`, the lock on the workflow's row and an update of it exclude each
/// other until the commit. Rows are locked in the order of ids, whatever the order of the batch. A step that
/// another transaction records at the same time violates the primary key, and nothing is applied.
///
/// An item without a workflow has no fence.
pub(super) fn statement(database: &Database, effect: &[Column], body: &str) -> Statement {
    let text = format!(
        "
WITH request AS (
    SELECT *
    FROM {{rows}}
    ORDER BY workflow_id COLLATE \"C\"
), owned AS MATERIALIZED (
    SELECT r.*,
           (SELECT true FROM {{schema}}.steps s
            WHERE s.workflow_id = r.workflow_id AND s.step_id = r.step_id) IS TRUE AS taken
    FROM request r
    LEFT JOIN LATERAL (
        SELECT true AS held
        FROM {{schema}}.workflows w
        WHERE w.id = r.workflow_id
          AND w.status || '' = 'PENDING'
          AND w.owner_incarnation = r.incarnation
          AND w.owner_execution = r.execution
        FOR SHARE
    ) AS locked ON true
    WHERE r.workflow_id IS NULL OR locked.held
), {body}"
    );
    Statement::new(database, &[&COLUMNS, effect].concat(), &text)
}

/// A statement with the fence's columns filled.
pub(super) fn filled<'i, I>(
    statement: &Statement,
    items: &'i [I],
    step: impl Fn(&'i I) -> Option<&'i StepRef>,
    now: impl Fn(&'i I) -> Timestamp,
) -> Filling<'i, I> {
    statement
        .about(items)
        .column(|item| step(item).map(|step| step.workflow_id.as_str()))
        .column(|item| step(item).map(|step| step.owner.incarnation.0))
        .column(|item| step(item).map(|step| execution(step.owner)))
        .column(|item| step(item).map(|step| i64::from(step.step_id)))
        .column(|item| step(item).map(|step| step.name.as_str()))
        .column(|item| step(item).is_some_and(|step| step.recorded))
        .column(|item| step(item).map(|step| step.started_at.as_millis()))
        .column(|item| now(item).as_millis())
        .column(|item| step(item)?.completions.as_deref())
}

/// The answers of a batch: of an item that has no row, the owner may not write. No answer, where `passed` has none: what the
/// item is judged by has changed since the statement's snapshot, and nothing was written for it.
pub(super) fn answers<T: Clone>(
    count: usize,
    rows: &[PgRow],
    passed: impl Fn(&PgRow) -> Result<Option<T>, Failure>,
) -> Result<Vec<Option<Fenced<T>>>, Failure> {
    let mut answers = vec![Some(Fenced::NotOwner); count];
    for row in rows {
        let taken = column::<bool>(row, "taken")?;
        if let Some(answer) = answers.get_mut(index(row)?) {
            *answer = match taken {
                true => Some(Fenced::Taken),
                false => passed(row)?.map(Fenced::Passed),
            };
        }
    }
    Ok(answers)
}
