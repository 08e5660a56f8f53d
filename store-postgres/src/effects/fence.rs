use durable_api::{Timestamp, store::StepRef};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::{
    database::Database,
    error::Failure,
    record::column,
    writes::{bind_column, execution, index},
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

/// A statement that writes effects. `arrays` and `names` are the columns of the effect; `body` goes on from `owned`, the items
/// whose owner may write, with `taken` where the step has a checkpoint.
///
/// Why this is exact: as in `record_step`, the lock on the workflow's row and an update of it exclude each
/// other until the commit. Rows are locked in the order of ids, whatever the order of the batch. A step that
/// another transaction records at the same time violates the primary key, and nothing is applied.
///
/// An item without a workflow has no fence.
pub(super) fn statement(arrays: &str, names: &str, body: &str) -> String {
    format!(
        "
WITH request AS (
    SELECT *
    FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[],
                $7::bigint[], $8::bigint[], $9::text[], {arrays})
         WITH ORDINALITY
         AS r (workflow_id, incarnation, execution, step_id, step_name, recorded,
               started_at, now, completions, {names}, position)
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
    )
}

/// A statement with the fence's arguments bound.
pub(super) fn query<'i, I>(
    database: &Database,
    statement: &str,
    items: &'i [I],
    step: impl Fn(&'i I) -> Option<&'i StepRef>,
    now: impl Fn(&'i I) -> Timestamp,
) -> Query<'static, Postgres, PgArguments> {
    let query = database.query(statement);
    let query = bind_column(query, items, |item| {
        step(item).map(|step| step.workflow_id.as_str())
    });
    let query = bind_column(query, items, |item| {
        step(item).map(|step| step.owner.incarnation.0)
    });
    let query = bind_column(query, items, |item| {
        step(item).map(|step| execution(step.owner))
    });
    let query = bind_column(query, items, |item| {
        step(item).map(|step| i64::from(step.step_id))
    });
    let query = bind_column(query, items, |item| {
        step(item).map(|step| step.name.as_str())
    });
    let query = bind_column(query, items, |item| {
        step(item).is_some_and(|step| step.recorded)
    });
    let query = bind_column(query, items, |item| {
        step(item).map(|step| step.started_at.as_millis())
    });
    let query = bind_column(query, items, |item| now(item).as_millis());
    bind_column(query, items, |item| step(item)?.completions.as_deref())
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
