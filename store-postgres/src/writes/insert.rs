use std::{cmp::Ordering, sync::Arc};

use durable_api::store::InsertWorkflow;
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{execution, roles};
use crate::{
    attributes,
    batch::{Batch, Column, Statement},
    database::{Access, Database, Work},
    error::Failure,
    record::column,
};

/// Accepts workflows whose id is free; children together with their parents' checkpoints.
///
/// `FOR KEY SHARE` excludes the removal of an executor but not its heartbeats, so a workflow is never accepted
/// for an executor that is gone, and one that retires hands back all it accepted. A parent is locked as by `record_step`.
/// A parent's step that another transaction writes at the same time violates the primary key: nothing is
/// applied then, and each workflow is judged by itself. (A scalar subquery looks that step up; `NOT EXISTS`
/// may be planned as a scan of all steps.)
const INSERT: &str = "
WITH request AS (
    SELECT *
    FROM {rows}
), alive AS MATERIALIZED (
    SELECT e.incarnation
    FROM {schema}.executors e
    WHERE e.incarnation {any incarnation}
    ORDER BY e.incarnation
    FOR KEY SHARE
), accepted AS MATERIALIZED (
    SELECT r.*
    FROM request r
    WHERE r.incarnation IN (SELECT incarnation FROM alive)
), owned AS MATERIALIZED (
    SELECT r.position
    FROM accepted r
    CROSS JOIN LATERAL (
        SELECT 1
        FROM {schema}.workflows w
        WHERE w.id = r.parent_id
          AND w.status || '' = 'PENDING'
          AND w.owner_incarnation = r.parent_incarnation
          AND w.owner_execution = r.parent_execution
        FOR SHARE
    ) AS locked
    WHERE r.parent_id IS NOT NULL
), inserted AS (
    INSERT INTO {schema}.workflows (id, app, name, status, version, executor_id,
                                    owner_incarnation, owner_execution, parent_id, parent_step,
                                    created_at, updated_at, started_at, input_encoding, input,
                                    deadline, caller_user, caller_role, caller_roles,
                                    attributes, trace_context)
    SELECT r.id, r.app, r.name, 'PENDING', r.version, r.executor_id,
           r.incarnation, r.execution, r.parent_id, r.parent_step,
           r.now, r.now, r.now, r.encoding, r.input,
           r.deadline, r.caller_user, r.caller_role, r.caller_roles::jsonb,
           r.attributes::jsonb, r.trace_context
    FROM accepted r
    WHERE r.parent_id IS NULL
       OR (r.position IN (SELECT position FROM owned)
           AND (SELECT true FROM {schema}.steps s
                WHERE s.workflow_id = r.parent_id AND s.step_id = r.parent_step) IS NOT TRUE)
    ORDER BY r.position
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), linked AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, child_id, started_at, completed_at, completions)
    SELECT r.parent_id, r.parent_step, r.step_name, r.id, r.now, r.now, r.completions
    FROM accepted r
    WHERE r.parent_id IS NOT NULL AND r.id IN (SELECT id FROM inserted)
    ORDER BY r.position
)
SELECT r.position,
       r.parent_id IS NULL OR r.position IN (SELECT position FROM owned) AS owned,
       r.id IN (SELECT id FROM inserted) AS inserted
FROM accepted r";

const COLUMNS: [Column; 22] = [
    ("id", "text"),
    ("app", "text"),
    ("name", "text"),
    ("version", "text"),
    ("executor_id", "text"),
    ("incarnation", "uuid"),
    ("execution", "bigint"),
    ("encoding", "text"),
    ("input", "bytea"),
    ("now", "bigint"),
    ("parent_id", "text"),
    ("parent_incarnation", "uuid"),
    ("parent_execution", "bigint"),
    ("parent_step", "bigint"),
    ("step_name", "text"),
    ("deadline", "bigint"),
    ("caller_user", "text"),
    ("caller_role", "text"),
    ("caller_roles", "text"),
    ("attributes", "text"),
    ("trace_context", "text"),
    ("completions", "text"),
];

/// Accepts workflows.
#[derive(Debug)]
pub(crate) struct Insert {
    database: Database,
    statement: Statement,
}

impl Insert {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            statement: Statement::new(database, &COLUMNS, INSERT),
        }
    }
}

/// What became of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Written,
    /// The id or the parent's step is taken; by whom decides the answer.
    Taken,
    ParentNotOwner,
    UnknownExecutor,
}

impl Batch for Insert {
    type Item = Arc<InsertWorkflow>;
    type Answer = Inserted;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        one.id.cmp(&other.id)
    }

    fn weight(item: &Self::Item) -> usize {
        256 + item.id.len() + item.name.len() + item.input.bytes.len()
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(&self, mut work: Work, items: &[Self::Item]) -> Result<Vec<Inserted>, Failure> {
        let rows = work.fetch(self.query(items)).await?;
        let answers = answers(items.len(), &rows)?;
        work.commit().await?;
        Ok(answers)
    }
}

/// What became of each of a number of workflows.
pub(crate) fn answers(count: usize, rows: &[PgRow]) -> Result<Vec<Inserted>, Failure> {
    let mut answers = vec![Inserted::UnknownExecutor; count];
    for row in rows {
        let position = usize::try_from(column::<i64>(row, "position")?).unwrap_or(0);
        let owned = column::<bool>(row, "owned")?;
        let inserted = column::<bool>(row, "inserted")?;
        if let Some(answer) = position
            .checked_sub(1)
            .and_then(|index| answers.get_mut(index))
        {
            *answer = match (owned, inserted) {
                (_, true) => Inserted::Written,
                (true, false) => Inserted::Taken,
                (false, false) => Inserted::ParentNotOwner,
            };
        }
    }
    Ok(answers)
}

impl Insert {
    pub(crate) fn query(
        &self,
        items: &[Arc<InsertWorkflow>],
    ) -> Query<'static, Postgres, PgArguments> {
        self.statement
            .about(items)
            .column(|item| item.id.as_str())
            .column(|item| item.app.as_str())
            .column(|item| item.name.as_str())
            .column(|item| item.version.as_deref())
            .column(|item| item.executor_id.as_str())
            .column(|item| item.owner.incarnation.0)
            .column(|item| execution(item.owner))
            .column(|item| &*item.input.encoding)
            .column(|item| &*item.input.bytes)
            .column(|item| item.now.as_millis())
            .column(|item| Some(item.parent.as_ref()?.workflow_id.as_str()))
            .column(|item| Some(item.parent.as_ref()?.owner.incarnation.0))
            .column(|item| Some(execution(item.parent.as_ref()?.owner)))
            .column(|item| Some(i64::from(item.parent.as_ref()?.step_id)))
            .column(|item| Some(item.parent.as_ref()?.step_name.as_str()))
            .column(|item| item.deadline.map(|deadline| deadline.as_millis()))
            .column(|item| item.caller.user.as_deref())
            .column(|item| item.caller.assumed_role.as_deref())
            .column(|item| roles(&item.caller))
            .column(|item| attributes::encode(&item.attributes))
            .column(|item| item.trace_context.as_deref())
            .column(|item| item.parent.as_ref()?.completions.as_deref())
            .query()
    }
}
