use async_trait::async_trait;
use durable_api::store::{
    AppendOutcome, AppendStream, ReadStream, StoreResult, StreamPage, StreamState, StreamStore,
};
use redis::Value;

use crate::{
    RedisStore,
    call::Call,
    effect::{self, Judged, judged},
    error::{check_texts, damaged, malformed},
    framed, reply,
    script::{APPEND_STREAM, READ_STREAM},
    steps::about,
};

/// What one script reads at most; one value more than fits is still read.
mod bounds {
    pub(super) const VALUES: u32 = 10_000;
    pub(super) const BYTES: u32 = 32 << 20;
}

/// Above every offset, and exact in the numbers of scripts.
const FARTHEST: u64 = 1 << 53;

#[async_trait]
impl StreamStore for RedisStore {
    async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome> {
        const OPERATION: &str = "append_stream";
        let (keys, step, id) = (self.keys(), &request.step, &request.step.workflow_id);
        check_texts(OPERATION, effect::texts(step).chain([&*request.key]))?;
        let known = [
            keys.workflow(id),
            keys.steps(id),
            keys.streams(id),
            keys.stream_values(id),
            keys.stream_writes(id),
            keys.stream_steps(id),
        ];
        let call = Call::new(&APPEND_STREAM, OPERATION, known)
            .arg(keys.base())
            .arg(id);
        let mut call = effect::add(call, step, request.now)
            .arg(&request.key)
            .text(request.write_id);
        if let Some(value) = &request.value {
            call = call.bytes(framed::pack(value));
        }
        let value = call
            .write(self.link())
            .await
            .map_err(|error| about(error, id))?;

        match judged(OPERATION, Some(step), value)? {
            Judged::NotOwner => Ok(AppendOutcome::NotOwner),
            Judged::AlreadyRecorded(step) => Ok(AppendOutcome::AlreadyRecorded(step)),
            Judged::Answer(answer, mut values) => match answer.as_str() {
                "closed" => Ok(AppendOutcome::Closed),
                "appended" => values
                    .next()
                    .and_then(reply::text)
                    .and_then(|offset| offset.parse().ok())
                    .map(|offset| AppendOutcome::Appended { offset })
                    .ok_or_else(|| damaged(OPERATION, id, "one of its streams is damaged")),
                _ => Err(malformed(OPERATION, "the answer")),
            },
        }
    }

    /// Reads fewer values than asked for, and says that there are more, when they are many or large.
    async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage> {
        const OPERATION: &str = "read_stream";
        let (keys, id) = (self.keys(), &request.workflow_id);
        let known = [keys.workflow(id), keys.streams(id), keys.stream_values(id)];
        let value = Call::new(&READ_STREAM, OPERATION, known)
            .arg(id)
            .arg(&request.key)
            .text(request.from.min(FARTHEST))
            .text(request.limit.min(bounds::VALUES))
            .text(bounds::BYTES)
            .read(self.link())
            .await
            .map_err(|error| about(error, id))?;

        let unreadable = || malformed(OPERATION, "the answer");
        let Judged::Answer(answer, mut found) = judged(OPERATION, None, value)? else {
            return Err(unreadable());
        };
        let state = match answer.as_str() {
            "open" => StreamState::Open,
            "closed" => StreamState::Closed,
            "over" => StreamState::WorkflowOver,
            "unknown_workflow" => StreamState::UnknownWorkflow,
            _ => return Err(unreadable()),
        };
        let values = found
            .next()
            .and_then(reply::array)
            .ok_or_else(unreadable)?
            .into_iter()
            .map(|value: Value| framed::unpack(reply::bytes(value)?))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| damaged(OPERATION, id, "a value of one of its streams is damaged"))?;
        Ok(StreamPage::new(values, state))
    }
}
