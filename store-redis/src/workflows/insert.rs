use durable_api::store::{
    InsertOutcome, InsertWorkflow, StepRecord, StoreError, StoreResult, WorkflowRecord,
};
use redis::Value;

use super::{check_owner, fault};
use crate::{
    RedisStore,
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
    check(&request)?;
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
    .text(
        request
            .version
            .as_ref()
            .map_or_else(String::new, |version| format!("={version}")),
    )
    .arg(&request.executor_id)
    .text(request.owner.incarnation)
    .text(request.owner.execution)
    .text(request.now.as_millis())
    .arg(request.input.encoding.as_bytes())
    .arg(&request.input.bytes);
    if let Some(parent) = &request.parent {
        let step = StepRecord::child(parent.step_id, &parent.step_name, &request.id, request.now);
        call.key(keys.workflow(&parent.workflow_id));
        call.key(keys.steps(&parent.workflow_id));
        call.key(keys.children(&parent.workflow_id));
        call = call
            .arg(&parent.workflow_id)
            .text(record::owner(parent.owner))
            .text(parent.step_id)
            .bytes(checkpoint::pack(&step));
    }
    let value = call.write(store.link()).await?;

    let (answer, mut values) = reply::answer(value).ok_or_else(unreadable)?;
    match answer.as_str() {
        "inserted" => Ok(InsertOutcome::Inserted),
        "unknown_executor" => Ok(InsertOutcome::UnknownExecutor),
        "parent_not_owner" => Ok(InsertOutcome::ParentNotOwner),
        "existing" => row(&request.id, values.next()).map(InsertOutcome::Existing),
        "conflict" => row(&request.id, values.next()).map(InsertOutcome::Conflict),
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
            let (id, reason) = fault(values).ok_or_else(unreadable)?;
            Err(damaged(OPERATION, &id, &reason))
        }
        _ => Err(unreadable()),
    }
}

fn check(request: &InsertWorkflow) -> StoreResult<()> {
    let texts = [
        &request.id,
        &request.app,
        &request.name,
        &request.executor_id,
    ];
    let parent = request.parent.as_ref();
    check_texts(
        OPERATION,
        texts
            .into_iter()
            .chain(&request.version)
            .chain(parent.map(|parent| &parent.step_name))
            .map(String::as_str),
    )?;
    check_owner(OPERATION, request.owner)
}

fn row(id: &str, value: Option<Value>) -> StoreResult<WorkflowRecord> {
    record::decode(id, value.unwrap_or_default())
        .and_then(|record| record.ok_or_else(|| "its row is missing".to_owned()))
        .map_err(|reason| damaged(OPERATION, id, &reason))
}

fn unreadable() -> StoreError {
    malformed(OPERATION, "the answer")
}
