use std::{cmp::Ordering, sync::Arc};

use durable_api::store::InsertWorkflow;

use super::{
    execution,
    parent::{self, Inserted},
    roles,
};
use crate::{
    attributes,
    batch::{Batch, Column, Filling, Statement},
    database::{Access, Database, Work},
    error::Failure,
};

/// Accepts workflows without parents whose id is free.
///
/// `FOR KEY SHARE` excludes the removal of an executor but not its heartbeats, so a workflow is never accepted
/// for an executor that is gone, and one that retires hands back all it accepted.
const ROOTS: &str = "
WITH alive AS MATERIALIZED (
    SELECT e.incarnation
    FROM {schema}.executors e
    WHERE e.incarnation {any incarnation}
    ORDER BY e.incarnation
    FOR KEY SHARE
)
INSERT INTO {schema}.workflows (id, app, name, status, version, executor_id,
                                owner_incarnation, owner_execution,
                                created_at, updated_at, started_at, input_encoding, input,
                                deadline, caller_user, caller_role, caller_roles,
                                attributes, trace_context)
SELECT r.id, r.app, r.name, 'PENDING', r.version, r.executor_id,
       r.incarnation, r.execution, r.now, r.now, r.now, r.encoding, r.input,
       r.deadline, r.caller_user, r.caller_role, r.caller_roles::jsonb,
       r.attributes::jsonb, r.trace_context
FROM {rows} JOIN alive USING (incarnation)
ORDER BY r.position
ON CONFLICT (id) DO NOTHING
RETURNING id";

/// Accepts workflows, children together with their parents' checkpoints.
///
/// A parent is locked as by `record_step`.
/// A parent's step that another transaction writes at the same time violates the primary key: nothing is
/// applied then, and each workflow is judged by itself. (A scalar subquery looks that step up; `NOT EXISTS`
/// may be planned as a scan of all steps.)
const CHILDREN: &str = "
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

const COLUMNS: [Column; 16] = [
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
    ("deadline", "bigint"),
    ("caller_user", "text"),
    ("caller_role", "text"),
    ("caller_roles", "text"),
    ("attributes", "text"),
    ("trace_context", "text"),
];

/// Accepts workflows.
#[derive(Debug)]
pub(crate) struct Insert {
    database: Database,
    roots: Statement,
    children: Statement,
}

impl Insert {
    pub(crate) fn new(database: &Database) -> Self {
        let columns = [&COLUMNS[..], &parent::COLUMNS].concat();
        Self {
            database: database.clone(),
            roots: Statement::new(database, &COLUMNS, ROOTS),
            children: Statement::new(database, &columns, CHILDREN),
        }
    }
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
        let answers = if items.iter().all(|item| item.parent.is_none()) {
            let query = filled(&self.roots, items).query();
            let rows = work.fetch(query).await?;
            parent::answers_without(items.iter().map(|item| item.id.as_str()), &rows)
        } else {
            let query = parent::fill(filled(&self.children, items), |item| item).query();
            let rows = work.fetch(query).await?;
            parent::answers(items.len(), Inserted::UnknownExecutor, &rows)
        };
        work.commit().await?;
        answers
    }
}

fn filled<'i>(
    statement: &Statement,
    items: &'i [Arc<InsertWorkflow>],
) -> Filling<'i, Arc<InsertWorkflow>> {
    statement
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
        .column(|item| item.deadline.map(|deadline| deadline.as_millis()))
        .column(|item| item.caller.user.as_deref())
        .column(|item| item.caller.assumed_role.as_deref())
        .column(|item| roles(&item.caller))
        .column(|item| attributes::encode(&item.attributes))
        .column(|item| item.trace_context.as_deref())
}
