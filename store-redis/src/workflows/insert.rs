use durable_api::{
    WorkflowStatus,
    store::{InsertOutcome, InsertWorkflow, StoreError, StoreResult, WorkflowRecord},
};
use redis::Value;

use super::check_owner;
use crate::{
    RedisStore, attributes,
    call::Call,
    checkpoint,
    error::{check_texts, damaged, malformed},
    record, reply,
    script::INSERT_WORKFLOW,
};

const OPERATION: &str = "insert_workflow";

/// Accepts a workflow, with its parent's checkpoint if it is a child.
pub(super) async fn insert(
    store: &RedisStore,
    request: InsertWorkflow,
) -> StoreResult<InsertOutcome> {
    check(OPERATION, &request)?;
    let attributes = attributes::encode(OPERATION, &request.attributes)?;
    let keys = store.keys();
    let mut call = Call::new(
        &INSERT_WORKFLOW,
        OPERATION,
        [
            keys.workflow(&request.id),
            keys.executor(request.owner.incarnation),
            keys.workflows(),
        ],
    )
    .arg(keys.base())
    .arg(&request.id)
    .arg(&request.app)
    .arg(&request.name)
    .optional(request.version.as_deref())
    .text(request.owner.incarnation)
    .text(request.owner.execution)
    .text(request.now.as_millis())
    .text(
        request
            .deadline
            .map_or_else(String::new, |time| time.as_millis().to_string()),
    );
    call = match &request.parent {
        Some(parent) => {
            let step = checkpoint::pack_child(parent, &request.id, request.now);
            call.key(keys.workflow(&parent.workflow_id));
            call.key(keys.steps(&parent.workflow_id));
            call.key(keys.children(&parent.workflow_id));
            call.optional(Some(&parent.workflow_id))
                .text(record::owner(parent.owner))
                .text(parent.step_id)
                .bytes(step)
        }
        None => call.arg("").arg("").arg("").arg(""),
    };
    let call = add_row(call, &request, &attributes);
    answer(&request, store.change(call).await?)
}

/// What a script made of a request.
pub(super) fn answer(request: &InsertWorkflow, value: Value) -> StoreResult<InsertOutcome> {
    let (answer, mut values) = reply::answer(value).ok_or_else(unreadable)?;
    match answer.as_str() {
        "inserted" => Ok(InsertOutcome::Inserted),
        "unknown_executor" => Ok(InsertOutcome::UnknownExecutor),
        "parent_not_owner" => Ok(InsertOutcome::ParentNotOwner),
        "existing" => row(&request.id, values.next()).map(InsertOutcome::Existing),
        "conflict" => row(&request.id, values.next()).map(InsertOutcome::Conflict),
        "debounced" => text(values.next()).map(InsertOutcome::Debounced),
        "deduplicated" => text(values.next()).map(InsertOutcome::Deduplicated),
        "step_taken" => {
            let parent = request.parent.as_ref().ok_or_else(unreadable)?;
            let packed = values
                .next()
                .and_then(reply::bytes)
                .ok_or_else(unreadable)?;
            checkpoint::unpack(parent.step_id, packed)
                .map(InsertOutcome::StepTaken)
                .map_err(|reason| damaged(OPERATION, &parent.workflow_id, &reason))
        }
        "damaged" => {
            let (id, reason) = reply::fault(values).ok_or_else(unreadable)?;
            Err(damaged(OPERATION, &id, &reason))
        }
        _ => Err(unreadable()),
    }
}

/// Adds the fields of the new row and their values.
fn add_row<'a>(call: Call<'a>, request: &'a InsertWorkflow, attributes: &'a str) -> Call<'a> {
    let now = request.now.as_millis();
    let mut call = call
        .arg("app")
        .arg(&request.app)
        .arg("name")
        .arg(&request.name)
        .arg("status")
        .arg(WorkflowStatus::Pending.as_str())
        .arg("executor")
        .arg(&request.executor_id)
        .arg("owner")
        .text(record::owner(request.owner))
        .arg("attempts")
        .arg("0")
        .arg("created")
        .text(now)
        .arg("updated")
        .text(now)
        .arg("started")
        .text(now)
        .arg("input_encoding")
        .arg(request.input.encoding.as_bytes())
        .arg("input")
        .arg(&request.input.bytes);
    if let Some(parent) = &request.parent {
        call = call
            .arg("parent")
            .arg(&parent.workflow_id)
            .arg("parent_step")
            .text(parent.step_id);
    }
    if let Some(deadline) = request.deadline {
        call = call.arg("deadline").text(deadline.as_millis());
    }
    let caller = &request.caller;
    for (field, value) in [
        ("version", &request.version),
        ("user", &caller.user),
        ("role", &caller.assumed_role),
        ("trace", &request.trace_context),
        ("schedule", &request.schedule),
    ] {
        if let Some(value) = value {
            call = call.arg(field).arg(value);
        }
    }
    if !caller.roles.is_empty() {
        call = call.arg("roles").text(serde_json::json!(caller.roles));
    }
    if !attributes.is_empty() {
        call = call.arg("attributes").arg(attributes);
    }
    call
}

/// Refuses what not every backend could hold.
pub(super) fn check(operation: &'static str, request: &InsertWorkflow) -> StoreResult<()> {
    let texts = [
        &request.id,
        &request.app,
        &request.name,
        &request.executor_id,
    ];
    let (parent, caller) = (request.parent.as_ref(), &request.caller);
    check_texts(
        operation,
        texts
            .into_iter()
            .chain(&request.version)
            .chain(parent.map(|parent| &parent.step_name))
            .chain(parent.and_then(|parent| parent.completions.as_ref()))
            .chain(&caller.user)
            .chain(&caller.assumed_role)
            .chain(&caller.roles)
            .chain(&request.trace_context)
            .chain(&request.schedule)
            .map(String::as_str),
    )?;
    check_owner(operation, request.owner)
}

fn row(id: &str, value: Option<Value>) -> StoreResult<WorkflowRecord> {
    record::decode(id, value.unwrap_or_default())
        .and_then(|record| record.ok_or_else(|| "its row is missing".to_owned()))
        .map_err(|reason| damaged(OPERATION, id, &reason))
}

fn text(value: Option<Value>) -> StoreResult<String> {
    value.and_then(reply::text).ok_or_else(unreadable)
}

fn unreadable() -> StoreError {
    malformed(OPERATION, "the answer")
}
