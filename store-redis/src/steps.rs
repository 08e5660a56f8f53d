use async_trait::async_trait;
use durable_api::store::{
    RecordOutcome, RecordStep, StepRecord, StepStore, StoreError, StoreErrorKind, StoreResult,
};

use crate::{
    RedisStore,
    call::Call,
    checkpoint,
    error::{check_texts, damaged, malformed},
    record, reply,
    script::RECORD_STEP,
};

#[async_trait]
impl StepStore for RedisStore {
    async fn record_step(&self, request: RecordStep) -> StoreResult<RecordOutcome> {
        const OPERATION: &str = "record_step";
        let (id, step) = (&request.workflow_id, &request.step);
        check_texts(
            OPERATION,
            [step.name.as_str()]
                .into_iter()
                .chain(step.child_id.as_deref())
                .chain(step.completions.as_deref()),
        )?;
        let value = Call::new(
            &RECORD_STEP,
            OPERATION,
            [self.keys().workflow(id), self.keys().steps(id)],
        )
        .text(record::owner(request.owner))
        .text(step.step_id)
        .bytes(checkpoint::pack(step))
        .write(self.link())
        .await
        .map_err(|error| about(error, id))?;

        let (answer, mut values) =
            reply::answer(value).ok_or_else(|| malformed(OPERATION, "the answer"))?;
        match answer.as_str() {
            "recorded" => Ok(RecordOutcome::Recorded),
            "not_owner" => Ok(RecordOutcome::NotOwner),
            "taken" => values
                .next()
                .and_then(reply::bytes)
                .ok_or_else(|| "its checkpoint is missing".to_owned())
                .and_then(|packed| checkpoint::unpack(step.step_id, packed))
                .map(RecordOutcome::AlreadyRecorded)
                .map_err(|reason| damaged(OPERATION, id, &reason)),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn list_steps(&self, workflow_id: &str) -> StoreResult<Vec<StepRecord>> {
        const OPERATION: &str = "list_steps";
        let mut cmd = redis::cmd("HGETALL");
        cmd.arg(self.keys().steps(workflow_id));
        let found = self
            .link()
            .read(OPERATION, &cmd)
            .await
            .map_err(|error| about(error, workflow_id))?;
        history(found).map_err(|reason| damaged(OPERATION, workflow_id, &reason))
    }
}

/// The checkpoints of a workflow, by step id; or what is wrong with them.
pub(crate) fn history(found: redis::Value) -> Result<Vec<StepRecord>, String> {
    let mut steps = reply::pairs(found)
        .ok_or("its checkpoints cannot be read")?
        .into_iter()
        .map(|(step_id, packed)| {
            let step_id = std::str::from_utf8(&step_id)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or("one of its checkpoints has no number")?;
            checkpoint::unpack(step_id, packed)
        })
        .collect::<Result<Vec<_>, String>>()?;
    steps.sort_by_key(|step| step.step_id);
    Ok(steps)
}

/// Names the workflow whose key holds something else than a row.
pub(crate) fn about(error: StoreError, id: &str) -> StoreError {
    match error.kind() {
        StoreErrorKind::Corrupt => error.with_message(format!("workflow `{id}`")),
        _ => error,
    }
}
