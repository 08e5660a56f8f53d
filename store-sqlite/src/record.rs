//! Rows to records. A row that makes no sense is an error of that row alone, with the reason.
use std::time::Duration;

use durable_api::{
    Payload, Timestamp, WorkflowStatus,
    store::{
        Caller, DamagedWorkflow, Debounce, Incarnation, Outcome, Owner, ParentStep, Payloads,
        StepRecord, StoreError, StoreErrorKind, WorkflowRecord,
    },
};
use sqlx::{ColumnIndex, Decode, Row as _, Sqlite, Type, ValueRef as _, sqlite::SqliteRow};
use uuid::Uuid;

/// The columns of a workflow but its payloads.
macro_rules! workflow_columns {
    () => {
        "seq, id, app, name, status, version, executor_id, owner_incarnation, owner_execution, \
         recovery_attempts, parent_id, parent_step, forked_from, deadline, timeout, queue, priority, \
         deduplication_id, partition_key, delayed_until, debounce_key, debounce_until, schedule, \
         caller_user, caller_role, caller_roles, attributes, trace_context, created_at, updated_at, started_at, completed_at"
    };
}
pub(crate) use workflow_columns;

/// The columns of a workflow's outcome.
macro_rules! outcome_columns {
    () => {
        "outcome_encoding, outcome"
    };
}
pub(crate) use outcome_columns;

/// The columns of a workflow's payloads.
macro_rules! payload_columns {
    () => {
        "input_encoding, input, outcome_encoding, outcome"
    };
}
pub(crate) use payload_columns;

/// The columns of a step.
macro_rules! step_columns {
    () => {
        "workflow, step_id, name, child_id, started_at, completed_at, failed, outcome_encoding, outcome, completions"
    };
}
pub(crate) use step_columns;

/// A workflow, with its payloads if the row was read with them.
///
/// # Errors
/// Names the workflow and what is wrong with its row.
pub(crate) fn workflow(
    row: &SqliteRow,
    payloads: Payloads,
) -> Result<WorkflowRecord, DamagedWorkflow> {
    read_workflow(row, payloads).map_err(|reason| DamagedWorkflow::new(lossy_id(row), reason))
}

/// A step of whichever workflow the row belongs to.
///
/// # Errors
/// What is wrong with the row.
pub(crate) fn step(row: &SqliteRow) -> Result<StepRecord, String> {
    let step_id: u32 = number(row, "step_id")?;
    read_step(row, step_id).map_err(|reason| format!("step {step_id}: {reason}"))
}

/// The error that a damaged workflow is to whoever asked for it alone.
pub(crate) fn corrupt(operation: &'static str, damaged: &DamagedWorkflow) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, operation).with_message(format!(
        "workflow `{}`: {}; mend or delete its row",
        damaged.workflow_id, damaged.reason
    ))
}

/// A column whose value must be of type `T`, or null where `T` is an option.
pub(crate) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, String>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
    &'static str: ColumnIndex<SqliteRow>,
{
    row.try_get(column)
        .map_err(|error| format!("column `{column}`: {error}"))
}

/// A column whose integer must fit `T`.
pub(crate) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<T, String> {
    let value: i64 = get(row, column)?;
    T::try_from(value).map_err(|_| format!("column `{column}`: {value} is out of range"))
}

pub(crate) fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp, String> {
    get(row, column).map(Timestamp::from_millis)
}

pub(crate) fn incarnation(bytes: &[u8]) -> Result<Incarnation, String> {
    Uuid::from_slice(bytes)
        .map(Incarnation)
        .map_err(|error| format!("incarnation: {error}"))
}

fn read_workflow(row: &SqliteRow, payloads: Payloads) -> Result<WorkflowRecord, String> {
    let status: WorkflowStatus = get::<&str>(row, "status")?
        .parse()
        .map_err(|error: durable_api::UnknownStatus| error.to_string())?;
    let mut record = WorkflowRecord::new(
        get::<String>(row, "id")?,
        get::<String>(row, "app")?,
        get::<String>(row, "name")?,
        status,
        time(row, "created_at")?,
    );
    record.version = get(row, "version")?;
    record.executor_id = get(row, "executor_id")?;
    record.owner = owner(row)?;
    record.recovery_attempts = number(row, "recovery_attempts")?;
    record.parent = parent(row)?;
    record.forked_from = get(row, "forked_from")?;
    record.deadline = optional_time(row, "deadline")?;
    record.timeout = timeout(row)?;
    record.queue = get(row, "queue")?;
    record.priority = number(row, "priority")?;
    record.deduplication_id = get(row, "deduplication_id")?;
    record.partition_key = get(row, "partition_key")?;
    record.delayed_until = optional_time(row, "delayed_until")?;
    record.debounce = debounce(row)?;
    record.schedule = get(row, "schedule")?;
    record.caller = caller(row)?;
    record.attributes = json(row, "attributes", |text| serde_json::from_str(text))?;
    record.trace_context = get(row, "trace_context")?;
    record.updated_at = time(row, "updated_at")?;
    record.started_at = optional_time(row, "started_at")?;
    record.completed_at = optional_time(row, "completed_at")?;
    if payloads == Payloads::Load {
        record.input = payload(row, "input_encoding", "input")?;
    }
    if payloads != Payloads::Omit {
        let outcome = payload(row, "outcome_encoding", "outcome")?;
        record.outcome = match (status, outcome) {
            (WorkflowStatus::Success, Some(payload)) => Some(Outcome::Success(payload)),
            (WorkflowStatus::Error, Some(payload)) => Some(Outcome::Failure(payload)),
            (WorkflowStatus::Success | WorkflowStatus::Error, None) => {
                return Err(format!("its status is {status}, but it has no outcome"));
            }
            _ => None,
        };
    }
    Ok(record)
}

fn read_step(row: &SqliteRow, step_id: u32) -> Result<StepRecord, String> {
    let name: String = get(row, "name")?;
    let started_at = time(row, "started_at")?;
    let completed_at = time(row, "completed_at")?;
    let outcome = payload(row, "outcome_encoding", "outcome")?;
    let outcome = match (get::<Option<i64>>(row, "failed")?, outcome) {
        (None, None) => None,
        (Some(0), Some(payload)) => Some(Outcome::Success(payload)),
        (Some(1), Some(payload)) => Some(Outcome::Failure(payload)),
        (failed, _) => {
            return Err(format!(
                "column `failed`: {failed:?} does not fit its outcome"
            ));
        }
    };
    let mut step = StepRecord::child(step_id, name, "", started_at);
    step.child_id = get(row, "child_id")?;
    step.completed_at = completed_at;
    step.outcome = outcome;
    step.completions = get(row, "completions")?;
    Ok(step)
}

fn owner(row: &SqliteRow) -> Result<Option<Owner>, String> {
    let bytes: Option<&[u8]> = get(row, "owner_incarnation")?;
    let execution: Option<i64> = get(row, "owner_execution")?;
    match (bytes, execution) {
        (None, None) => Ok(None),
        (Some(bytes), Some(execution)) => Ok(Some(Owner::new(
            incarnation(bytes)?,
            u64::try_from(execution).map_err(|_| "column `owner_execution` is negative")?,
        ))),
        _ => Err("half of its owner is missing".to_owned()),
    }
}

fn parent(row: &SqliteRow) -> Result<Option<ParentStep>, String> {
    let id: Option<String> = get(row, "parent_id")?;
    let step: Option<i64> = get(row, "parent_step")?;
    match (id, step) {
        (None, None) => Ok(None),
        (Some(id), Some(step)) => Ok(Some(ParentStep::new(
            id,
            u32::try_from(step).map_err(|_| "column `parent_step` is out of range")?,
        ))),
        _ => Err("half of its parent is missing".to_owned()),
    }
}

fn timeout(row: &SqliteRow) -> Result<Option<Duration>, String> {
    get::<Option<i64>>(row, "timeout")?
        .map(|millis| u64::try_from(millis).map(Duration::from_millis))
        .transpose()
        .map_err(|_| "column `timeout` is negative".to_owned())
}

fn debounce(row: &SqliteRow) -> Result<Option<Debounce>, String> {
    let key: Option<String> = get(row, "debounce_key")?;
    match (key, optional_time(row, "debounce_until")?) {
        (None, None) => Ok(None),
        (Some(key), Some(until)) => Ok(Some(Debounce::new(key, until))),
        _ => Err("half of its debounce key is missing".to_owned()),
    }
}

fn caller(row: &SqliteRow) -> Result<Caller, String> {
    let mut caller = Caller::new();
    caller.user = get(row, "caller_user")?;
    caller.assumed_role = get(row, "caller_role")?;
    caller.roles = json(row, "caller_roles", |text| serde_json::from_str(text))?;
    Ok(caller)
}

/// A collection that is stored as JSON, or as null if it is empty.
fn json<T: Default>(
    row: &SqliteRow,
    column: &'static str,
    parse: impl FnOnce(&str) -> serde_json::Result<T>,
) -> Result<T, String> {
    get::<Option<&str>>(row, column)?
        .map_or_else(|| Ok(T::default()), parse)
        .map_err(|error| format!("column `{column}`: {error}"))
}

/// A payload, if both its columns are set.
pub(crate) fn payload(
    row: &SqliteRow,
    encoding: &'static str,
    bytes: &'static str,
) -> Result<Option<Payload>, String> {
    let name: Option<String> = get(row, encoding)?;
    match (name, get::<Option<Vec<u8>>>(row, bytes)?) {
        (None, None) => Ok(None),
        (Some(name), Some(bytes)) => Ok(Some(Payload::new(well_known(name), bytes))),
        _ => Err(format!(
            "columns `{encoding}` and `{bytes}`: one is missing"
        )),
    }
}

/// The common names are not kept once per payload.
fn well_known(name: String) -> std::borrow::Cow<'static, str> {
    match name.as_str() {
        "bincode" => "bincode".into(),
        "json" => "json".into(),
        _ => name.into(),
    }
}

/// A column with a time or null.
pub(crate) fn optional_time(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<Timestamp>, String> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_millis))
}

/// The id of a row of which nothing can be taken for granted.
pub(crate) fn lossy_id(row: &SqliteRow) -> String {
    let bytes = row
        .try_get_raw("id")
        .ok()
        .filter(|value| !value.is_null())
        .and_then(|value| <Vec<u8> as Decode<Sqlite>>::decode(value).ok())
        .unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
