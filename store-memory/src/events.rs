use async_trait::async_trait;
use durable_api::{
    Payload,
    store::{EventLookup, EventStore, SetEvent, SetEventOutcome, StoreResult, Wakeup},
};

use crate::{
    MemoryStore,
    effect::{self, Refusal},
    error::check_texts,
    tables::Tables,
};

#[async_trait]
impl EventStore for MemoryStore {
    async fn set_event(&self, request: SetEvent) -> StoreResult<SetEventOutcome> {
        check_texts(
            "set_event",
            effect::texts(&request.step).chain([&*request.key]),
        )?;
        let hint = Wakeup::workflow(&request.step.workflow_id);
        let outcome = set(&mut self.tables(), request);
        self.hint([hint]);
        Ok(outcome)
    }

    async fn get_event(&self, workflow_id: &str, key: &str) -> StoreResult<EventLookup> {
        let tables = self.shared_tables();
        if !tables.workflows.contains_key(workflow_id) {
            return Ok(EventLookup::UnknownWorkflow);
        }
        let value = tables
            .belongings
            .get(workflow_id)
            .and_then(|all| all.events.get(key));
        Ok(match value {
            Some(value) => EventLookup::Value(value.clone()),
            None => EventLookup::Absent,
        })
    }

    async fn list_events(&self, workflow_id: &str) -> StoreResult<Vec<(String, Payload)>> {
        let tables = self.shared_tables();
        let all = tables.belongings.get(workflow_id);
        Ok(all.map(|all| all.events.list()).unwrap_or_default())
    }
}

fn set(tables: &mut Tables, request: SetEvent) -> SetEventOutcome {
    let step = request.step;
    match tables.refuse(&step) {
        Some(Refusal::NotOwner) => return SetEventOutcome::NotOwner,
        Some(Refusal::AlreadyRecorded(step)) => return SetEventOutcome::AlreadyRecorded(step),
        None => {}
    }
    let events = &mut tables.of(&step.workflow_id).events;
    events.set(step.step_id, request.key, request.value);
    tables.checkpoint(step, None, request.now);
    SetEventOutcome::Set
}
