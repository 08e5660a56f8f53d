use std::{cmp::Ordering, sync::Arc, time::Duration};

use durable_api::store::{Enqueue, InsertWorkflow, Wakeup};

use super::{
    parent::{self, Inserted},
    roles,
};
use crate::{
    attributes,
    batch::{Batch, Column, Filling, Statement},
    database::{Access, Database, Work},
    error::Failure,
    wakeups::Hints,
};

/// Accepts workflows without parents, whose id is free, into queues.
///
/// As `insert` does, but nobody owns them, so no executor is asked for. Where the deduplication id is taken,
/// nothing is written either. Those with such an id come first, in its order: two batches that share some wait for each other in one
/// direction only.
const ROOTS: &str = "
INSERT INTO {schema}.workflows (id, app, name, status, version,
                                created_at, updated_at, input_encoding, input,
                                deadline, caller_user, caller_role, caller_roles,
                                attributes, trace_context, schedule,
                                queue, priority, place, deduplication_id, partition_key,
                                delayed_until, timeout)
SELECT r.id, r.app, r.name,
       CASE WHEN r.delayed_until IS NULL THEN 'ENQUEUED' ELSE 'DELAYED' END,
       r.version, r.now, r.now, r.encoding, r.input,
       r.deadline, r.caller_user, r.caller_role, r.caller_roles::jsonb,
       r.attributes::jsonb, r.trace_context, r.schedule,
       r.queue, r.priority, {number}, r.deduplication_id, r.partition_key,
       r.delayed_until, r.timeout
FROM {rows}
ORDER BY r.deduplication_id, r.position
ON CONFLICT DO NOTHING
RETURNING id";

/// Accepts children, too, together with their parents' checkpoints.
const CHILDREN: &str = "
WITH request AS (
    SELECT *
    FROM {rows}
), owned AS MATERIALIZED (
    SELECT r.position
    FROM request r
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
    INSERT INTO {schema}.workflows (id, app, name, status, version, parent_id, parent_step,
                                    created_at, updated_at, input_encoding, input,
                                    deadline, caller_user, caller_role, caller_roles,
                                    attributes, trace_context, schedule,
                                    queue, priority, place, deduplication_id, partition_key,
                                    delayed_until, timeout)
    SELECT r.id, r.app, r.name,
           CASE WHEN r.delayed_until IS NULL THEN 'ENQUEUED' ELSE 'DELAYED' END,
           r.version, r.parent_id, r.parent_step, r.now, r.now, r.encoding, r.input,
           r.deadline, r.caller_user, r.caller_role, r.caller_roles::jsonb,
           r.attributes::jsonb, r.trace_context, r.schedule,
           r.queue, r.priority, {number}, r.deduplication_id, r.partition_key,
           r.delayed_until, r.timeout
    FROM request r
    WHERE r.parent_id IS NULL
       OR (r.position IN (SELECT position FROM owned)
           AND (SELECT true FROM {schema}.steps s
                WHERE s.workflow_id = r.parent_id AND s.step_id = r.parent_step) IS NOT TRUE)
    ORDER BY r.deduplication_id, r.position
    ON CONFLICT DO NOTHING
    RETURNING id
), linked AS (
    INSERT INTO {schema}.steps (workflow_id, step_id, name, child_id, started_at, completed_at, completions)
    SELECT r.parent_id, r.parent_step, r.step_name, r.id, r.now, r.now, r.completions
    FROM request r
    WHERE r.parent_id IS NOT NULL AND r.id IN (SELECT id FROM inserted)
    ORDER BY r.position
)
SELECT r.position,
       r.parent_id IS NULL OR r.position IN (SELECT position FROM owned) AS owned,
       r.id IN (SELECT id FROM inserted) AS inserted
FROM request r";

const COLUMNS: [Column; 20] = [
    ("id", "text"),
    ("app", "text"),
    ("name", "text"),
    ("version", "text"),
    ("encoding", "text"),
    ("input", "bytea"),
    ("now", "bigint"),
    ("deadline", "bigint"),
    ("caller_user", "text"),
    ("caller_role", "text"),
    ("caller_roles", "text"),
    ("attributes", "text"),
    ("trace_context", "text"),
    ("schedule", "text"),
    ("queue", "text"),
    ("priority", "integer"),
    ("deduplication_id", "text"),
    ("partition_key", "text"),
    ("delayed_until", "bigint"),
    ("timeout", "bigint"),
];

/// Accepts workflows into queues, and tells of it: one notification for a batch, before its callers are answered, since one that is no
/// executor may end at once.
#[derive(Debug)]
pub(crate) struct EnqueueBatch {
    database: Database,
    roots: Statement,
    children: Statement,
    hints: Hints,
}

impl EnqueueBatch {
    pub(crate) fn new(database: &Database, hints: Hints) -> Self {
        let columns = [&COLUMNS[..], &parent::COLUMNS].concat();
        Self {
            database: database.clone(),
            roots: Statement::new(database, &COLUMNS, ROOTS),
            children: Statement::new(database, &columns, CHILDREN),
            hints,
        }
    }
}

impl Batch for EnqueueBatch {
    type Item = Enqueued;
    type Answer = Inserted;
    type Session = Work;

    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering {
        one.request.id.cmp(&other.request.id)
    }

    fn weight(item: &Self::Item) -> usize {
        let request = &item.request;
        256 + request.id.len() + request.name.len() + request.input.bytes.len()
    }

    async fn open(&self) -> Result<Work, Failure> {
        self.database.single(Access::Write).await
    }

    async fn commit(&self, mut work: Work, items: &[Self::Item]) -> Result<Vec<Inserted>, Failure> {
        let answers = if items.iter().all(|item| item.request.parent.is_none()) {
            let query = filled(&self.roots, items).query();
            let rows = work.fetch(query).await?;
            parent::answers_without(items.iter().map(|item| item.request.id.as_str()), &rows)?
        } else {
            let query = filled(&self.children, items);
            let query = parent::fill(query, |item| &item.request).query();
            let rows = work.fetch(query).await?;
            parent::answers(items.len(), Inserted::Taken, &rows)?
        };
        work.commit().await?;
        if answers.contains(&Inserted::Written) {
            self.hints.give([Wakeup::Enqueued]).await;
        }
        Ok(answers)
    }
}

/// A request that names a queue.
#[derive(Debug)]
pub(crate) struct Enqueued {
    request: Arc<InsertWorkflow>,
    enqueue: Enqueue,
}

impl Enqueued {
    /// The request, if it names a queue and needs no look at others of its debounce key.
    pub(crate) fn new(request: &Arc<InsertWorkflow>) -> Option<Self> {
        let enqueue = request.enqueue.clone()?;
        enqueue.debounce.is_none().then(|| Self {
            request: Arc::clone(request),
            enqueue,
        })
    }
}

/// A duration in milliseconds, or the longest that can be stored.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn filled<'i>(statement: &Statement, items: &'i [Enqueued]) -> Filling<'i, Enqueued> {
    statement
        .about(items)
        .column(|item| item.request.id.as_str())
        .column(|item| item.request.app.as_str())
        .column(|item| item.request.name.as_str())
        .column(|item| item.request.version.as_deref())
        .column(|item| &*item.request.input.encoding)
        .column(|item| &*item.request.input.bytes)
        .column(|item| item.request.now.as_millis())
        .column(|item| item.request.deadline.map(|deadline| deadline.as_millis()))
        .column(|item| item.request.caller.user.as_deref())
        .column(|item| item.request.caller.assumed_role.as_deref())
        .column(|item| roles(&item.request.caller))
        .column(|item| attributes::encode(&item.request.attributes))
        .column(|item| item.request.trace_context.as_deref())
        .column(|item| item.request.schedule.as_deref())
        .column(|item| item.enqueue.queue.as_str())
        .column(|item| item.enqueue.priority)
        .column(|item| item.enqueue.deduplication_id.as_deref())
        .column(|item| item.enqueue.partition_key.as_deref())
        .column(|item| item.enqueue.delayed_until.map(|until| until.as_millis()))
        .column(|item| item.enqueue.timeout.map(millis))
}
