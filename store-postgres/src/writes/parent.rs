//! What is accepted: on its own, or as a child, together with its parent's checkpoint.
use std::collections::HashSet;

use durable_api::store::InsertWorkflow;
use sqlx::postgres::PgRow;

use super::{execution, index};
use crate::{
    batch::{Column, Filling},
    error::Failure,
    record::column,
};

/// What became of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Written,
    /// Something is in the way. What it is decides the answer.
    Taken,
    ParentNotOwner,
    UnknownExecutor,
}

/// What a statement knows of a parent.
pub(super) const COLUMNS: [Column; 6] = [
    ("parent_id", "text"),
    ("parent_incarnation", "uuid"),
    ("parent_execution", "bigint"),
    ("parent_step", "bigint"),
    ("step_name", "text"),
    ("completions", "text"),
];

/// Fills them.
pub(super) fn fill<'i, I>(
    filling: Filling<'i, I>,
    request: impl Fn(&'i I) -> &'i InsertWorkflow,
) -> Filling<'i, I> {
    let parent = |item| request(item).parent.as_ref();
    filling
        .column(|item| Some(parent(item)?.workflow_id.as_str()))
        .column(|item| Some(parent(item)?.owner.incarnation.0))
        .column(|item| Some(execution(parent(item)?.owner)))
        .column(|item| Some(i64::from(parent(item)?.step_id)))
        .column(|item| Some(parent(item)?.step_name.as_str()))
        .column(|item| parent(item)?.completions.as_deref())
}

/// The answers for a batch that a statement judged by its parents, too; `unless` for those that it has no row for.
pub(super) fn answers(
    count: usize,
    unless: Inserted,
    rows: &[PgRow],
) -> Result<Vec<Inserted>, Failure> {
    let mut answers = vec![unless; count];
    for row in rows {
        let owned = column::<bool>(row, "owned")?;
        let inserted = column::<bool>(row, "inserted")?;
        if let Some(answer) = answers.get_mut(index(row)?) {
            *answer = match (owned, inserted) {
                (_, true) => Inserted::Written,
                (true, false) => Inserted::Taken,
                (false, false) => Inserted::ParentNotOwner,
            };
        }
    }
    Ok(answers)
}

/// The answers for a batch without parents, of which a statement returned the ids that it wrote.
pub(super) fn answers_without<'i>(
    ids: impl Iterator<Item = &'i str>,
    rows: &[PgRow],
) -> Result<Vec<Inserted>, Failure> {
    let written: Result<HashSet<String>, Failure> =
        rows.iter().map(|row| column(row, "id")).collect();
    let written = written?;
    Ok(ids
        .map(|id| match written.contains(id) {
            true => Inserted::Written,
            false => Inserted::Taken,
        })
        .collect())
}
