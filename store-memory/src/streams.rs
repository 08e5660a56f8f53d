use async_trait::async_trait;
use durable_api::store::{
    AppendOutcome, AppendStream, ReadStream, StoreResult, StreamPage, StreamState, StreamStore,
    Wakeup,
};

use crate::{
    MemoryStore,
    effect::{self, Refusal},
    error::check_texts,
    tables::Tables,
};

#[async_trait]
impl StreamStore for MemoryStore {
    async fn append_stream(&self, request: AppendStream) -> StoreResult<AppendOutcome> {
        check_texts(
            "append_stream",
            effect::texts(&request.step).chain([&*request.key]),
        )?;
        let hint = Wakeup::workflow(&request.step.workflow_id);
        let outcome = append(&mut self.tables(), request);
        self.hint([hint]);
        Ok(outcome)
    }

    async fn read_stream(&self, request: ReadStream) -> StoreResult<StreamPage> {
        Ok(read(&self.tables(), &request))
    }
}

fn append(tables: &mut Tables, request: AppendStream) -> AppendOutcome {
    let step = request.step;
    match tables.refuse(&step) {
        Some(Refusal::NotOwner) => return AppendOutcome::NotOwner,
        Some(Refusal::AlreadyRecorded(step)) => return AppendOutcome::AlreadyRecorded(step),
        None => {}
    }
    let streams = &mut tables.of(&step.workflow_id).streams;
    if let Some(offset) = streams.offset_of(request.write_id) {
        return AppendOutcome::Appended { offset };
    }
    let outcome = streams.write(step.step_id, request.key, request.value, request.write_id);
    if outcome != AppendOutcome::Closed {
        tables.checkpoint(step, None, request.now);
    }
    outcome
}

fn read(tables: &Tables, request: &ReadStream) -> StreamPage {
    let Some(row) = tables.workflows.get(&request.workflow_id) else {
        return StreamPage::new(Vec::new(), StreamState::UnknownWorkflow);
    };
    let stream = tables
        .belongings
        .get(&request.workflow_id)
        .and_then(|all| all.streams.get(&request.key));
    let (values, last) = match stream {
        Some(stream) => stream.page(request.from, request.limit),
        None => (Vec::new(), true),
    };
    let state = if !last {
        StreamState::Open
    } else if stream.is_some_and(|stream| stream.is_closed()) {
        StreamState::Closed
    } else if row.status.is_final() {
        StreamState::WorkflowOver
    } else {
        StreamState::Open
    };
    StreamPage::new(values, state)
}
