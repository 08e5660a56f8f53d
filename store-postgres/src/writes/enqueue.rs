use std::{cmp::Ordering, sync::Arc, time::Duration};

use durable_api::store::{Enqueue, InsertWorkflow, Wakeup};

use super::{Inserted, bind_column, execution, index, roles};
use crate::{
    attributes,
    batch::Batch,
    database::{Access, Database, Work},
    error::Failure,
    record::column,
    wakeups::Hints,
};

/// Accepts workflows whose id is free into queues; children together with their parents' checkpoints.
///
/// As `insert` does, but nobody owns them, so no executor is asked for. Where the deduplication id is taken,
/// nothing is written either. Those with such an id come first, in its order: two batches that share some wait for each other in one
/// direction only.
const ENQUEUE: &str = "
WITH request AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[],
                $8::text[], $9::uuid[], $10::bigint[], $11::bigint[], $12::text[],
                $13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
                $20::text[], $21::integer[], $22::text[], $23::text[], $24::bigint[], $25::bigint[], $26::text[])
         WITH ORDINALITY
         AS r (id, app, name, version, encoding, input, now,
               parent_id, parent_incarnation, parent_execution, parent_step, step_name,
               deadline, caller_user, caller_role, caller_roles, attributes, trace_context, schedule,
               queue, priority, deduplication_id, partition_key, delayed_until, timeout, completions, position)
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

/// Accepts workflows into queues, and tells of it: one notification for a batch, before its callers are answered, since one that is no
/// executor may end at once.
#[derive(Debug)]
pub(crate) struct EnqueueBatch {
    pub(crate) database: Database,
    pub(crate) hints: Hints,
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
        let rows = work.fetch(self.query(items)).await?;
        let mut answers = vec![Inserted::Taken; items.len()];
        for row in rows {
            let owned = column::<bool>(&row, "owned")?;
            let inserted = column::<bool>(&row, "inserted")?;
            if let Some(answer) = answers.get_mut(index(&row)?) {
                *answer = match (owned, inserted) {
                    (_, true) => Inserted::Written,
                    (true, false) => Inserted::Taken,
                    (false, false) => Inserted::ParentNotOwner,
                };
            }
        }
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

impl EnqueueBatch {
    fn query(
        &self,
        items: &[Enqueued],
    ) -> sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments> {
        let requests: Vec<&InsertWorkflow> = items.iter().map(|item| &*item.request).collect();
        let requests = requests.as_slice();
        let query = self.database.query(ENQUEUE);
        let query = bind_column(query, requests, |item| item.id.as_str());
        let query = bind_column(query, requests, |item| item.app.as_str());
        let query = bind_column(query, requests, |item| item.name.as_str());
        let query = bind_column(query, requests, |item| item.version.as_deref());
        let query = bind_column(query, requests, |item| &*item.input.encoding);
        let query = bind_column(query, requests, |item| &*item.input.bytes);
        let query = bind_column(query, requests, |item| item.now.as_millis());
        let query = bind_column(query, requests, |item| {
            item.parent
                .as_ref()
                .map(|parent| parent.workflow_id.as_str())
        });
        let query = bind_column(query, requests, |item| {
            item.parent
                .as_ref()
                .map(|parent| parent.owner.incarnation.0)
        });
        let query = bind_column(query, requests, |item| {
            item.parent.as_ref().map(|parent| execution(parent.owner))
        });
        let query = bind_column(query, requests, |item| {
            item.parent.as_ref().map(|parent| i64::from(parent.step_id))
        });
        let query = bind_column(query, requests, |item| {
            item.parent.as_ref().map(|parent| parent.step_name.as_str())
        });
        let query = bind_column(query, requests, |item| {
            item.deadline.map(|deadline| deadline.as_millis())
        });
        let query = bind_column(query, requests, |item| item.caller.user.as_deref());
        let query = bind_column(query, requests, |item| item.caller.assumed_role.as_deref());
        let query = bind_column(query, requests, |item| roles(&item.caller));
        let query = bind_column(query, requests, |item| attributes::encode(&item.attributes));
        let query = bind_column(query, requests, |item| item.trace_context.as_deref());
        let query = bind_column(query, requests, |item| item.schedule.as_deref());
        let query = bind_column(query, items, |item| item.enqueue.queue.as_str());
        let query = bind_column(query, items, |item| item.enqueue.priority);
        let query = bind_column(query, items, |item| {
            item.enqueue.deduplication_id.as_deref()
        });
        let query = bind_column(query, items, |item| item.enqueue.partition_key.as_deref());
        let query = bind_column(query, items, |item| {
            item.enqueue.delayed_until.map(|until| until.as_millis())
        });
        let query = bind_column(query, items, |item| item.enqueue.timeout.map(millis));
        bind_column(query, requests, |item| {
            item.parent.as_ref()?.completions.as_deref()
        })
    }
}
