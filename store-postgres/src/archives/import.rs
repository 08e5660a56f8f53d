use std::collections::HashMap;

use durable_api::{
    Payload, Timestamp, WorkflowStatus,
    store::{Outcome, WorkflowArchive, WorkflowRecord},
};
use sqlx::{Postgres, postgres::PgArguments, query::Query};

use crate::{
    attributes,
    database::{Access, Database, Work},
    error::Failure,
    writes::{bind_column, check, millis, roles},
};

/// How often an id that must be unique in a queue may be taken, under our eyes, before the caller is asked to try again.
const ATTEMPTS: usize = 3;

/// The row, without what another unfinished workflow has by now and two cannot have.
const ROW: &str = "
INSERT INTO {schema}.workflows
    (id, app, name, status, version, executor_id, recovery_attempts, parent_id, parent_step, forked_from,
     deadline, caller_user, caller_role, caller_roles, attributes, trace_context,
     created_at, updated_at, started_at, completed_at,
     input_encoding, input, outcome_encoding, outcome,
     timeout, queue, priority, place, partition_key, delayed_until, schedule,
     deduplication_id, debounce_key, debounce_until)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15::jsonb, $16,
       $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
       CASE WHEN $26::text IS NOT NULL THEN {number} END, $28, $29, $30,
       CASE WHEN NOT EXISTS (SELECT 1 FROM {schema}.workflows w
                             WHERE w.app = $2 AND w.queue = $26 AND w.deduplication_id = $31
                               AND w.status IN ('ENQUEUED', 'DELAYED', 'PENDING'))
            THEN $31 END,
       d.key, CASE WHEN d.key IS NOT NULL THEN $33::bigint END
FROM (SELECT CASE WHEN $4 <> 'DELAYED'
                    OR NOT EXISTS (SELECT 1 FROM {schema}.workflows w
                                   WHERE w.status = 'DELAYED' AND w.app = $2 AND w.name = $3 AND w.debounce_key = $32)
                  THEN $32::text END AS key) AS d
ON CONFLICT (id) DO NOTHING
RETURNING 1";

/// What became of an archive.
#[derive(Clone, Copy, Debug)]
pub(super) enum Imported {
    Exists,
    Written { claimable: bool, enqueued: bool },
}

/// Writes a workflow with all that belongs to it.
pub(super) async fn import(
    database: &Database,
    archive: &WorkflowArchive,
) -> Result<Imported, Failure> {
    check_archive(archive)?;
    let mut attempt = 1;
    loop {
        match try_import(database, archive).await {
            Err(failure) if failure.sqlstate() == Some("23505") && attempt < ATTEMPTS => {
                attempt += 1;
            }
            done => return done,
        }
    }
}

async fn try_import(database: &Database, archive: &WorkflowArchive) -> Result<Imported, Failure> {
    let record = &archive.record;
    let status = match record.status {
        WorkflowStatus::Pending if record.queue.is_some() => WorkflowStatus::Enqueued,
        status => status,
    };
    let mut work = database.transaction(Access::Write).await?;
    if work.fetch(row(database, record, status)).await?.is_empty() {
        return Ok(Imported::Exists);
    }
    steps(database, &mut work, archive).await?;
    events(database, &mut work, archive).await?;
    streams(database, &mut work, archive).await?;
    messages(database, &mut work, archive).await?;
    work.commit().await?;
    let waits = [WorkflowStatus::Enqueued, WorkflowStatus::Delayed];
    Ok(Imported::Written {
        claimable: status == WorkflowStatus::Pending,
        enqueued: waits.contains(&status),
    })
}

fn row(
    database: &Database,
    record: &WorkflowRecord,
    status: WorkflowStatus,
) -> Query<'static, Postgres, PgArguments> {
    let parent = record.parent.as_ref();
    let outcome = record.outcome.as_ref().map(Outcome::payload);
    let priority = (record.queue.is_some() || record.priority != 0).then_some(record.priority);
    let debounce = record.debounce.as_ref();
    database
        .query(ROW)
        .bind(record.id.clone())
        .bind(record.app.clone())
        .bind(record.name.clone())
        .bind(status.as_str())
        .bind(record.version.clone())
        .bind(record.executor_id.clone())
        .bind(i64::from(record.recovery_attempts))
        .bind(parent.map(|parent| parent.workflow_id.clone()))
        .bind(parent.map(|parent| i64::from(parent.step_id)))
        .bind(record.forked_from.clone())
        .bind(record.deadline.map(Timestamp::as_millis))
        .bind(record.caller.user.clone())
        .bind(record.caller.assumed_role.clone())
        .bind(roles(&record.caller))
        .bind(attributes::encode(&record.attributes))
        .bind(record.trace_context.clone())
        .bind(record.created_at.as_millis())
        .bind(record.updated_at.as_millis())
        .bind(record.started_at.map(Timestamp::as_millis))
        .bind(record.completed_at.map(Timestamp::as_millis))
        .bind(record.input.as_ref().map(encoding))
        .bind(record.input.as_ref().map(bytes))
        .bind(outcome.map(encoding))
        .bind(outcome.map(bytes))
        .bind(record.timeout.map(millis))
        .bind(record.queue.clone())
        .bind(priority)
        .bind(record.partition_key.clone())
        .bind(record.delayed_until.map(Timestamp::as_millis))
        .bind(record.schedule.clone())
        .bind(record.deduplication_id.clone())
        .bind(debounce.map(|debounce| debounce.key.clone()))
        .bind(debounce.map(|debounce| debounce.at_most_until.as_millis()))
}

async fn steps(
    database: &Database,
    work: &mut Work,
    archive: &WorkflowArchive,
) -> Result<(), Failure> {
    let query = database
        .query(
            "INSERT INTO {schema}.steps (workflow_id, step_id, name, failed, child_id, started_at, completed_at,
                                         outcome_encoding, outcome, completions)
             SELECT $1, s.* FROM unnest($2::bigint[], $3::text[], $4::boolean[], $5::text[], $6::bigint[],
                                        $7::bigint[], $8::text[], $9::bytea[], $10::text[]) AS s",
        )
        .bind(archive.record.id.clone());
    let all = &archive.steps;
    let query = bind_column(query, all, |step| i64::from(step.step_id));
    let query = bind_column(query, all, |step| step.name.as_str());
    let query = bind_column(query, all, |step| {
        let outcome = step.outcome.as_ref();
        outcome.map(|outcome| matches!(outcome, Outcome::Failure(_)))
    });
    let query = bind_column(query, all, |step| step.child_id.as_deref());
    let query = bind_column(query, all, |step| step.started_at.as_millis());
    let query = bind_column(query, all, |step| step.completed_at.as_millis());
    let query = bind_column(query, all, |step| {
        let outcome = step.outcome.as_ref();
        outcome.map(|outcome| &*outcome.payload().encoding)
    });
    let query = bind_column(query, all, |step| {
        let outcome = step.outcome.as_ref();
        outcome.map(|outcome| &*outcome.payload().bytes)
    });
    let query = bind_column(query, all, |step| step.completions.as_deref());
    work.fetch(query).await?;
    Ok(())
}

async fn events(
    database: &Database,
    work: &mut Work,
    archive: &WorkflowArchive,
) -> Result<(), Failure> {
    // Of several values that one step showed under one key, the last is what counts.
    let places = archive.events.iter().enumerate();
    let last: HashMap<(&str, u32), usize> = places
        .map(|(place, event)| ((event.key.as_str(), event.step_id), place))
        .collect();
    let mut kept: Vec<usize> = last.into_values().collect();
    kept.sort_unstable();
    let all: Vec<_> = kept
        .into_iter()
        .filter_map(|place| archive.events.get(place))
        .collect();
    let query = database
        .query(
            "INSERT INTO {schema}.events (workflow_id, key, step_id, encoding, value)
             SELECT $1, e.key, e.step_id, e.encoding, e.value
             FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bytea[]) WITH ORDINALITY
                  AS e (key, step_id, encoding, value, position)
             ORDER BY e.position",
        )
        .bind(archive.record.id.clone());
    let query = bind_column(query, &all, |event| event.key.as_str());
    let query = bind_column(query, &all, |event| i64::from(event.step_id));
    let query = bind_column(query, &all, |event| &*event.value.encoding);
    let query = bind_column(query, &all, |event| &*event.value.bytes);
    work.fetch(query).await?;
    Ok(())
}

async fn streams(
    database: &Database,
    work: &mut Work,
    archive: &WorkflowArchive,
) -> Result<(), Failure> {
    let id = &archive.record.id;
    let all = &archive.streams;
    let query = database
        .query(
            "INSERT INTO {schema}.streams (workflow_id, key, length, closed)
             SELECT $1, s.* FROM unnest($2::text[], $3::bigint[], $4::boolean[]) AS s",
        )
        .bind(id.clone());
    let query = bind_column(query, all, |stream| stream.key.as_str());
    let query = bind_column(query, all, |stream| {
        i64::try_from(stream.values.len()).unwrap_or(i64::MAX)
    });
    let query = bind_column(query, all, |stream| stream.closed_by.is_some());
    work.fetch(query).await?;

    // A close stands at the place after the last value.
    let mut values = Vec::new();
    for stream in all {
        let shown = stream
            .values
            .iter()
            .map(|(step, value)| (*step, Some(value)));
        let closed = stream.closed_by.map(|step| (step, None));
        for (place, (step, value)) in shown.chain(closed).enumerate() {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            values.push((stream.key.as_str(), place, step, value));
        }
    }
    let query = database
        .query(
            "INSERT INTO {schema}.stream_values (workflow_id, key, place, step_id, encoding, value)
             SELECT $1, v.* FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[]) AS v",
        )
        .bind(id.clone());
    let query = bind_column(query, &values, |one| one.0);
    let query = bind_column(query, &values, |one| one.1);
    let query = bind_column(query, &values, |one| i64::from(one.2));
    let query = bind_column(query, &values, |one| one.3.map(|value| &*value.encoding));
    let query = bind_column(query, &values, |one| one.3.map(|value| &*value.bytes));
    work.fetch(query).await?;
    Ok(())
}

async fn messages(
    database: &Database,
    work: &mut Work,
    archive: &WorkflowArchive,
) -> Result<(), Failure> {
    let all = &archive.messages;
    let query = database
        .query(
            "INSERT INTO {schema}.messages (workflow_id, message_id, topic, encoding, payload)
             SELECT $1, m.message_id, m.topic, m.encoding, m.payload
             FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) WITH ORDINALITY
                  AS m (message_id, topic, encoding, payload, position)
             ORDER BY m.position",
        )
        .bind(archive.record.id.clone());
    let query = bind_column(query, all, |message| message.message_id.as_str());
    let query = bind_column(query, all, |message| message.topic.as_str());
    let query = bind_column(query, all, |message| &*message.payload.encoding);
    let query = bind_column(query, all, |message| &*message.payload.bytes);
    work.fetch(query).await?;
    Ok(())
}

fn encoding(payload: &Payload) -> String {
    payload.encoding.to_string()
}

fn bytes(payload: &Payload) -> Vec<u8> {
    payload.bytes.to_vec()
}

/// Refuses what cannot be stored.
fn check_archive(archive: &WorkflowArchive) -> Result<(), Failure> {
    let record = &archive.record;
    let texts = [&record.id, &record.app, &record.name]
        .into_iter()
        .chain(&record.version)
        .chain(&record.executor_id)
        .chain(record.parent.as_ref().map(|parent| &parent.workflow_id))
        .chain(&record.forked_from)
        .chain(&record.caller.user)
        .chain(&record.caller.assumed_role)
        .chain(&record.caller.roles)
        .chain(&record.trace_context)
        .chain(&record.queue)
        .chain(&record.deduplication_id)
        .chain(&record.partition_key)
        .chain(record.debounce.as_ref().map(|debounce| &debounce.key))
        .chain(&record.schedule)
        .chain(archive.steps.iter().map(|step| &step.name))
        .chain(
            archive
                .steps
                .iter()
                .filter_map(|step| step.child_id.as_ref()),
        )
        .chain(archive.events.iter().map(|event| &event.key))
        .chain(archive.streams.iter().map(|stream| &stream.key))
        .chain(archive.messages.iter().map(|message| &message.topic))
        .chain(archive.messages.iter().map(|message| &message.message_id));
    check(texts.map(String::as_str), None, [])?;
    let outcomes = archive.steps.iter().map(|step| &step.outcome);
    let outcomes = outcomes.chain([&record.outcome]).flatten();
    let payloads = record
        .input
        .iter()
        .chain(outcomes.map(Outcome::payload))
        .chain(archive.events.iter().map(|event| &event.value))
        .chain(
            archive
                .streams
                .iter()
                .flat_map(|stream| stream.values.iter().map(|(_, value)| value)),
        )
        .chain(archive.messages.iter().map(|message| &message.payload));
    for payload in payloads {
        check([], Some(payload), [])?;
    }
    attributes::check(&record.attributes)
}
