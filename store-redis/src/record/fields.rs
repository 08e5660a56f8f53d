use std::time::Duration;

use durable_api::store::{Caller, StoreResult, WorkflowRecord};

use crate::attributes;

/// The fields of a row and their values, but those that are absent.
pub(crate) fn fields(
    operation: &'static str,
    record: &WorkflowRecord,
) -> StoreResult<Vec<(&'static str, Vec<u8>)>> {
    let mut fields = vec![
        ("app", text(&record.app)),
        ("name", text(&record.name)),
        ("status", text(record.status.as_str())),
        ("attempts", text(record.recovery_attempts)),
        ("created", text(record.created_at.as_millis())),
        ("updated", text(record.updated_at.as_millis())),
    ];
    let mut add = |field, value: Option<Vec<u8>>| fields.extend(value.map(|value| (field, value)));
    add("version", record.version.as_ref().map(text));
    add("executor", record.executor_id.as_ref().map(text));
    add("owner", record.owner.map(super::owner).map(text));
    let parent = record.parent.as_ref();
    add("parent", parent.map(|parent| text(&parent.workflow_id)));
    add("parent_step", parent.map(|parent| text(parent.step_id)));
    add("forked", record.forked_from.as_ref().map(text));
    for (field, time) in [
        ("started", record.started_at),
        ("completed", record.completed_at),
        ("deadline", record.deadline),
        ("delayed", record.delayed_until),
    ] {
        add(field, time.map(|time| text(time.as_millis())));
    }

    add(
        "timeout",
        record.timeout.map(|timeout| text(millis(timeout))),
    );
    add("queue", record.queue.as_ref().map(text));
    add(
        "priority",
        (record.priority != 0).then(|| text(record.priority)),
    );
    add("deduplication", record.deduplication_id.as_ref().map(text));
    add("partition", record.partition_key.as_ref().map(text));
    let debounce = record.debounce.as_ref();
    add("debounce", debounce.map(|debounce| text(&debounce.key)));
    add(
        "debounce_until",
        debounce.map(|debounce| text(debounce.at_most_until.as_millis())),
    );
    add("schedule", record.schedule.as_ref().map(text));

    let Caller {
        user,
        assumed_role,
        roles,
        ..
    } = &record.caller;
    add("user", user.as_ref().map(text));
    add("role", assumed_role.as_ref().map(text));
    add(
        "roles",
        (!roles.is_empty()).then(|| text(serde_json::json!(roles))),
    );
    let attributes = attributes::encode(operation, &record.attributes)?;
    add(
        "attributes",
        (!attributes.is_empty()).then(|| text(attributes)),
    );
    add("trace", record.trace_context.as_ref().map(text));

    let outcome = record.outcome.as_ref().map(|outcome| outcome.payload());
    for (encoding, field, payload) in [
        ("input_encoding", "input", record.input.as_ref()),
        ("outcome_encoding", "outcome", outcome),
    ] {
        add(encoding, payload.map(|payload| text(&payload.encoding)));
        add(field, payload.map(|payload| payload.bytes.to_vec()));
    }
    Ok(fields)
}

/// A duration as it is stored: in whole milliseconds.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn text(value: impl ToString) -> Vec<u8> {
    value.to_string().into_bytes()
}
