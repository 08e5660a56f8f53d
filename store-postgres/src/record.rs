//! Rows to records. A row that does not make one is damage, told with the workflow's id.
use std::{collections::HashMap, time::Duration};

use durable_api::{
    Payload, Timestamp, WorkflowStatus,
    store::{
        Caller, DamagedWorkflow, Debounce, ExecutorRecord, Incarnation, Outcome, Owner, ParentStep,
        Payloads, RegisterExecutor, StepRecord, StoreErrorKind, WorkflowRecord,
    },
};
use sqlx::{Decode, Postgres, Row as _, Type, postgres::PgRow};
use uuid::Uuid;

use crate::{
    attributes,
    error::{Failure, Stage},
};

/// What is wrong with a row.
pub(crate) type Damage = String;

/// The columns of a workflow `w` but for its payloads.
macro_rules! small_columns {
    () => {
        "w.id, w.app, w.name, w.status, w.version, w.executor_id, w.owner_incarnation, \
         w.owner_execution, w.recovery_attempts, w.parent_id, w.parent_step, w.forked_from, \
         w.deadline, w.caller_user, w.caller_role, w.caller_roles::text AS caller_roles, \
         w.attributes::text AS attributes, w.trace_context, w.created_at, w.updated_at, \
         w.started_at, w.completed_at, w.timeout, w.queue, w.priority, w.deduplication_id, \
         w.partition_key, w.delayed_until, w.debounce_key, w.debounce_until, w.schedule"
    };
}

/// The columns of a workflow `w`, with those of its payloads that are loaded.
pub(crate) fn workflow_columns(payloads: Payloads) -> &'static str {
    match payloads {
        Payloads::Omit => small_columns!(),
        Payloads::Outcome => concat!(small_columns!(), ", w.outcome_encoding, w.outcome"),
        Payloads::Load => concat!(
            small_columns!(),
            ", w.input_encoding, w.input, w.outcome_encoding, w.outcome"
        ),
    }
}

/// The condition that a workflow `w` can be read, as far as a statement can tell.
pub(crate) fn soundness() -> String {
    let statuses = WorkflowStatus::ALL.map(|status| format!("'{status}'"));
    format!(
        "w.status IN ({}) AND w.recovery_attempts BETWEEN 0 AND 4294967295
         AND (w.owner_incarnation IS NULL) = (w.owner_execution IS NULL)
         AND coalesce(w.owner_execution, 0) >= 0
         AND (w.parent_id IS NULL) = (w.parent_step IS NULL)
         AND coalesce(w.parent_step, 0) BETWEEN 0 AND 4294967295
         AND coalesce(jsonb_typeof(w.caller_roles), 'array') = 'array'
         AND jsonb_path_exists(w.caller_roles, '$[*] ? (@.type() != \"string\")') IS NOT TRUE
         AND coalesce(jsonb_typeof(w.attributes), 'object') = 'object'
         AND jsonb_path_exists(w.attributes, '$.* ? (@.type() != \"string\")') IS NOT TRUE
         AND coalesce(w.timeout, 0) >= 0
         AND (w.debounce_key IS NULL) = (w.debounce_until IS NULL)",
        statuses.join(", ")
    )
}

/// The columns of a step `s`.
pub(crate) const STEP_COLUMNS: &str = "s.workflow_id, s.step_id, s.name, s.failed, s.child_id, \
     s.started_at, s.completed_at, s.outcome_encoding, s.outcome, s.completions";

/// A value that only a change of the schema can make unreadable.
pub(crate) fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, Failure>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(name)
        .map_err(|error| Failure::from_driver(error, Stage::Uncommitted))
}

/// A workflow; of the payloads, what was loaded.
pub(crate) fn workflow(row: &PgRow, payloads: Payloads) -> Result<WorkflowRecord, Damage> {
    let status: String = get(row, "status")?;
    let status = status
        .parse()
        .map_err(|error: durable_api::UnknownStatus| error.to_string())?;
    let mut record = WorkflowRecord::new(
        get::<String>(row, "id")?,
        get::<String>(row, "app")?,
        get::<String>(row, "name")?,
        status,
        timestamp(row, "created_at")?,
    );
    record.version = get(row, "version")?;
    record.executor_id = get(row, "executor_id")?;
    record.owner = owner(row)?;
    record.recovery_attempts = number(row, "recovery_attempts")?;
    record.parent = parent(row)?;
    record.forked_from = get(row, "forked_from")?;
    record.deadline = optional_timestamp(row, "deadline")?;
    record.caller = caller(row)?;
    if let Some(text) = get::<Option<String>>(row, "attributes")? {
        record.attributes = attributes::decode(&text)?;
    }
    record.trace_context = get(row, "trace_context")?;
    record.updated_at = timestamp(row, "updated_at")?;
    record.started_at = optional_timestamp(row, "started_at")?;
    record.completed_at = optional_timestamp(row, "completed_at")?;
    record.timeout = timeout(row)?;
    record.queue = get(row, "queue")?;
    record.priority = get::<Option<i32>>(row, "priority")?.unwrap_or(0);
    record.deduplication_id = get(row, "deduplication_id")?;
    record.partition_key = get(row, "partition_key")?;
    record.delayed_until = optional_timestamp(row, "delayed_until")?;
    record.debounce = debounce(row)?;
    record.schedule = get(row, "schedule")?;
    if payloads == Payloads::Load {
        record.input = payload(row, "input_encoding", "input")?;
    }
    if payloads != Payloads::Omit {
        use durable_api::WorkflowStatus::{Error, Success};

        let outcome = payload(row, "outcome_encoding", "outcome")?;
        record.outcome = match (status, outcome) {
            (Success, Some(outcome)) => Some(Outcome::Success(outcome)),
            (Error, Some(outcome)) => Some(Outcome::Failure(outcome)),
            (Success | Error, None) => return Err(format!("it is {status} without an outcome")),
            _ => None,
        };
    }
    Ok(record)
}

/// A workflow, or its id and what is wrong with it.
pub(crate) fn workflow_or_damage(
    row: &PgRow,
    payloads: Payloads,
) -> Result<Result<WorkflowRecord, DamagedWorkflow>, Failure> {
    Ok(match workflow(row, payloads) {
        Ok(record) => Ok(record),
        Err(damage) => Err(DamagedWorkflow::new(column::<String>(row, "id")?, damage)),
    })
}

/// A checkpoint.
pub(crate) fn step(row: &PgRow) -> Result<StepRecord, Damage> {
    let outcome = payload(row, "outcome_encoding", "outcome")?;
    let outcome = match (get::<Option<bool>>(row, "failed")?, outcome) {
        (None, None) => None,
        (Some(false), Some(outcome)) => Some(Outcome::Success(outcome)),
        (Some(true), Some(outcome)) => Some(Outcome::Failure(outcome)),
        _ => return Err("its outcome is incomplete".to_owned()),
    };
    let mut record = StepRecord::child(
        number(row, "step_id")?,
        get::<String>(row, "name")?,
        "",
        timestamp(row, "started_at")?,
    );
    record.child_id = get(row, "child_id")?;
    record.outcome = outcome;
    record.completed_at = timestamp(row, "completed_at")?;
    record.completions = get(row, "completions")?;
    Ok(record)
}

/// A checkpoint of `workflow_id`, or the error that names it.
pub(crate) fn step_of(workflow_id: &str, row: &PgRow) -> Result<StepRecord, Failure> {
    step(row).map_err(|damage| damaged_step(workflow_id, row, &damage))
}

/// The checkpoints of each workflow that has some, or what is wrong with one of them.
pub(crate) fn histories(
    rows: &[PgRow],
) -> Result<HashMap<String, Result<Vec<StepRecord>, Damage>>, Failure> {
    let mut histories: HashMap<String, Result<Vec<StepRecord>, Damage>> = HashMap::new();
    for row in rows {
        let id: String = column(row, "workflow_id")?;
        let history = histories.entry(id).or_insert_with(|| Ok(Vec::new()));
        match step(row) {
            Ok(step) => {
                if let Ok(steps) = history {
                    steps.push(step);
                }
            }
            Err(damage) => *history = Err(describe_step_damage(row, &damage)),
        }
    }
    Ok(histories)
}

/// What is wrong with which step.
fn describe_step_damage(row: &PgRow, damage: &str) -> String {
    match row.try_get::<i64, _>("step_id") {
        Ok(step) => format!("step {step} is damaged: {damage}"),
        Err(_) => format!("a step is damaged: {damage}"),
    }
}

/// An executor.
pub(crate) fn executor(row: &PgRow) -> Result<ExecutorRecord, Damage> {
    let mut request = RegisterExecutor::new(
        get::<String>(row, "app")?,
        get::<String>(row, "executor_id")?,
        Incarnation(get(row, "incarnation")?),
        get::<String>(row, "version")?,
        timestamp(row, "registered_at")?,
    );
    request.host = get(row, "host")?;
    request.process = get(row, "process")?;
    let mut record = ExecutorRecord::registered(request);
    record.beat = number(row, "beat")?;
    Ok(record)
}

/// The error that names a damaged workflow.
pub(crate) fn corrupt(id: &str, damage: &str) -> Failure {
    Failure::new(
        StoreErrorKind::Corrupt,
        format!("workflow `{id}` is damaged: {damage}"),
    )
}

fn damaged_step(workflow_id: &str, row: &PgRow, damage: &str) -> Failure {
    corrupt(workflow_id, &describe_step_damage(row, damage))
}

fn owner(row: &PgRow) -> Result<Option<Owner>, Damage> {
    let incarnation: Option<Uuid> = get(row, "owner_incarnation")?;
    let execution: Option<i64> = get(row, "owner_execution")?;
    match (incarnation, execution) {
        (None, None) => Ok(None),
        (Some(incarnation), Some(execution)) => {
            let execution =
                u64::try_from(execution).map_err(|_| "its owner's execution is negative")?;
            Ok(Some(Owner::new(Incarnation(incarnation), execution)))
        }
        _ => Err("its owner is incomplete".to_owned()),
    }
}

fn parent(row: &PgRow) -> Result<Option<ParentStep>, Damage> {
    let id: Option<String> = get(row, "parent_id")?;
    match (id, get::<Option<i64>>(row, "parent_step")?) {
        (None, None) => Ok(None),
        (Some(id), Some(_)) => Ok(Some(ParentStep::new(id, number(row, "parent_step")?))),
        _ => Err("its parent is incomplete".to_owned()),
    }
}

fn caller(row: &PgRow) -> Result<Caller, Damage> {
    let mut caller = Caller::new();
    caller.user = get(row, "caller_user")?;
    caller.assumed_role = get(row, "caller_role")?;
    if let Some(text) = get::<Option<String>>(row, "caller_roles")? {
        caller.roles = serde_json::from_str(&text)
            .map_err(|error| format!("its caller's roles cannot be read: {error}"))?;
    }
    Ok(caller)
}

fn timeout(row: &PgRow) -> Result<Option<Duration>, Damage> {
    let millis: Option<i64> = get(row, "timeout")?;
    millis
        .map(|millis| {
            let millis = u64::try_from(millis).map_err(|_| format!("timeout is {millis}"))?;
            Ok(Duration::from_millis(millis))
        })
        .transpose()
}

fn debounce(row: &PgRow) -> Result<Option<Debounce>, Damage> {
    let key: Option<String> = get(row, "debounce_key")?;
    match (key, optional_timestamp(row, "debounce_until")?) {
        (None, None) => Ok(None),
        (Some(key), Some(until)) => Ok(Some(Debounce::new(key, until))),
        _ => Err("its debounce is incomplete".to_owned()),
    }
}

/// A value and its encoding, if there is one.
pub(crate) fn payload(row: &PgRow, encoding: &str, bytes: &str) -> Result<Option<Payload>, Damage> {
    match (
        get::<Option<String>>(row, encoding)?,
        get::<Option<Vec<u8>>>(row, bytes)?,
    ) {
        (None, None) => Ok(None),
        (Some(encoding), Some(bytes)) => Ok(Some(Payload::new(encoding, bytes))),
        (None, Some(_)) => Err(format!("{bytes} has no encoding")),
        (Some(_), None) => Err(format!("{bytes} has an encoding but no value")),
    }
}

fn timestamp(row: &PgRow, name: &str) -> Result<Timestamp, Damage> {
    get(row, name).map(Timestamp::from_millis)
}

fn optional_timestamp(row: &PgRow, name: &str) -> Result<Option<Timestamp>, Damage> {
    Ok(get::<Option<i64>>(row, name)?.map(Timestamp::from_millis))
}

fn number<T: TryFrom<i64>>(row: &PgRow, name: &str) -> Result<T, Damage> {
    let value: i64 = get(row, name)?;
    T::try_from(value).map_err(|_| format!("{name} is {value}"))
}

fn get<'r, T>(row: &'r PgRow, name: &str) -> Result<T, Damage>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(name).map_err(|error| error.to_string())
}
