//! Rows of workflows. `scripts/rows.lua` knows the fields, and judges rows, too.
mod fields;

use std::time::Duration;

use durable_api::{
    Payload, Timestamp, WorkflowStatus,
    store::{Debounce, Incarnation, Outcome, Owner, ParentStep, Payloads, WorkflowRecord},
};
use redis::{Cmd, Value};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::reply;

pub(crate) use fields::fields;

/// The fields in their order; the payloads last.
const FIELDS: [&str; 34] = [
    "app",
    "name",
    "status",
    "version",
    "executor",
    "owner",
    "attempts",
    "parent",
    "parent_step",
    "created",
    "updated",
    "started",
    "completed",
    "deadline",
    "forked",
    "user",
    "role",
    "roles",
    "attributes",
    "trace",
    "timeout",
    "queue",
    "priority",
    "deduplication",
    "partition",
    "delayed",
    "debounce",
    "debounce_until",
    "schedule",
    "accepted",
    "outcome_encoding",
    "outcome",
    "input_encoding",
    "input",
];

/// How many of the fields are no payloads.
const PLAIN: usize = 30;

/// How many are not the input's.
const WITH_OUTCOME: usize = PLAIN + 2;

/// The command that reads a row.
pub(crate) fn read(key: &str, payloads: Payloads) -> Cmd {
    let mut cmd = redis::cmd("HMGET");
    cmd.arg(key).arg(match payloads {
        Payloads::Load => &FIELDS[..],
        Payloads::Outcome => &FIELDS[..WITH_OUTCOME],
        Payloads::Omit => &FIELDS[..PLAIN],
    });
    cmd
}

/// What [`read`] found, or a script: a row, none, or a damaged one and what is wrong with it.
pub(crate) fn decode(id: &str, value: Value) -> Result<Option<WorkflowRecord>, String> {
    let values = match value {
        Value::Array(values) => values,
        Value::ServerError(error) if error.code() == "WRONGTYPE" => {
            return Err("its key holds another type".to_owned());
        }
        _ => return Err("it cannot be read".to_owned()),
    };
    if values.iter().all(|value| *value == Value::Nil) {
        return Ok(None);
    }
    let (has_outcome, has_input) = (values.len() > PLAIN, values.len() > WITH_OUTCOME);
    let mut row = Row {
        fields: FIELDS.iter(),
        values: values.into_iter(),
    };

    let (app, name) = (row.required()?, row.required()?);
    let status: WorkflowStatus = row
        .required()?
        .parse()
        .map_err(|error| format!("its status: {error}"))?;
    let mut record = WorkflowRecord::new(id, app, name, status, Timestamp::default());
    record.version = row.optional()?;
    record.executor_id = row.optional()?;
    record.owner = match row.optional()? {
        Some(text) => Some(parse_owner(&text).ok_or("its owner is none")?),
        None => None,
    };
    record.recovery_attempts = row.number()?.ok_or("its field `attempts` is missing")?;
    record.parent = match (row.optional()?, row.number()?) {
        (Some(parent), Some(step)) => Some(ParentStep::new(parent, step)),
        (None, None) => None,
        _ => return Err("its parent is incomplete".to_owned()),
    };
    record.created_at = row.time()?.ok_or("its field `created` is missing")?;
    record.updated_at = row.time()?.ok_or("its field `updated` is missing")?;
    record.started_at = row.time()?;
    record.completed_at = row.time()?;
    record.deadline = row.time()?;
    record.forked_from = row.optional()?;
    record.caller.user = row.optional()?;
    record.caller.assumed_role = row.optional()?;
    record.caller.roles = row.json()?;
    record.attributes = row.json()?;
    record.trace_context = row.optional()?;
    record.timeout = row.number()?.map(Duration::from_millis);
    record.queue = row.optional()?;
    record.priority = row.number()?.unwrap_or_default();
    record.deduplication_id = row.optional()?;
    record.partition_key = row.optional()?;
    record.delayed_until = row.time()?;
    record.debounce = match (row.optional()?, row.time()?) {
        (Some(key), Some(at_most_until)) => Some(Debounce::new(key, at_most_until)),
        (None, None) => None,
        _ => return Err("its debounce is incomplete".to_owned()),
    };
    record.schedule = row.optional()?;
    // Only scripts look at the number of acceptance.
    row.number::<u64>()?;
    check_waiting(&record)?;
    if has_outcome {
        let outcome = row.payload()?;
        record.outcome = match (status, outcome) {
            (WorkflowStatus::Success, Some(payload)) => Some(Outcome::Success(payload)),
            (WorkflowStatus::Error, Some(payload)) => Some(Outcome::Failure(payload)),
            (WorkflowStatus::Success | WorkflowStatus::Error, None) => {
                return Err("its outcome is missing".to_owned());
            }
            _ => None,
        };
    }
    if has_input {
        record.input = Some(row.payload()?.ok_or("its input is missing")?);
    }
    Ok(Some(record))
}

fn check_waiting(record: &WorkflowRecord) -> Result<(), String> {
    if record.is_waiting() && record.queue.is_none() {
        return Err("its field `queue` is missing".to_owned());
    }
    if record.status == WorkflowStatus::Delayed && record.delayed_until.is_none() {
        return Err("its field `delayed` is missing".to_owned());
    }
    Ok(())
}

/// The stored form of an owner.
pub(crate) fn owner(owner: Owner) -> String {
    format!("{}/{}", owner.incarnation, owner.execution)
}

fn parse_owner(text: &str) -> Option<Owner> {
    let (incarnation, execution) = text.split_once('/')?;
    Some(Owner::new(
        Incarnation(Uuid::parse_str(incarnation).ok()?),
        execution.parse().ok()?,
    ))
}

/// The values of a row, one after the other, with the names of their fields.
struct Row {
    fields: std::slice::Iter<'static, &'static str>,
    values: std::vec::IntoIter<Value>,
}

impl Row {
    fn next(&mut self) -> (&'static str, Value) {
        let field = self.fields.next().copied().unwrap_or("?");
        (field, self.values.next().unwrap_or_default())
    }

    fn optional(&mut self) -> Result<Option<String>, String> {
        let (field, value) = self.next();
        reply::optional_text(value).ok_or_else(|| format!("its field `{field}` is not UTF-8"))
    }

    fn required(&mut self) -> Result<String, String> {
        let (field, value) = self.next();
        match reply::optional_text(value) {
            Some(Some(text)) => Ok(text),
            Some(None) => Err(format!("its field `{field}` is missing")),
            None => Err(format!("its field `{field}` is not UTF-8")),
        }
    }

    fn number<T: std::str::FromStr>(&mut self) -> Result<Option<T>, String> {
        let (field, value) = self.next();
        parsed(value).ok_or_else(|| format!("its field `{field}` is no number"))
    }

    fn time(&mut self) -> Result<Option<Timestamp>, String> {
        let (field, value) = self.next();
        parsed(value)
            .map(|millis| millis.map(Timestamp::from_millis))
            .ok_or_else(|| format!("its field `{field}` is no time"))
    }

    /// What is absent is empty.
    fn json<T: DeserializeOwned + Default>(&mut self) -> Result<T, String> {
        let (field, value) = self.next();
        match reply::optional_text(value) {
            Some(None) => Ok(T::default()),
            Some(Some(text)) => {
                serde_json::from_str(&text).map_err(|error| format!("its field `{field}`: {error}"))
            }
            None => Err(format!("its field `{field}` is not UTF-8")),
        }
    }

    fn payload(&mut self) -> Result<Option<Payload>, String> {
        let encoding = self.optional()?;
        let (field, value) = self.next();
        match (encoding, value) {
            (None, Value::Nil) => Ok(None),
            (Some(encoding), Value::BulkString(bytes)) => Ok(Some(Payload::new(encoding, bytes))),
            _ => Err(format!("its {field} is incomplete")),
        }
    }
}

/// A number that may be absent: `None` when it is neither there nor absent.
fn parsed<T: std::str::FromStr>(value: Value) -> Option<Option<T>> {
    match reply::optional_text(value)? {
        Some(text) => text.parse().ok().map(Some),
        None => Some(None),
    }
}
