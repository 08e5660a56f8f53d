use std::collections::BTreeMap;

use durable_api::{Payload, store::ArchivedEvent};

/// A workflow's events: what each step set, in the order of setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShownEvents(Vec<ArchivedEvent>);

impl ShownEvents {
    /// Sets an event; of what one step set under a key, the last is kept.
    pub(crate) fn set(&mut self, step_id: u32, key: String, value: Payload) {
        self.0
            .retain(|one| (one.step_id, &one.key) != (step_id, &key));
        self.0.push(ArchivedEvent {
            key,
            step_id,
            value,
        });
    }

    /// The value that was set last.
    pub(crate) fn get(&self, key: &str) -> Option<&Payload> {
        let last = self.0.iter().rev().find(|one| one.key == key)?;
        Some(&last.value)
    }

    /// All present values, by key.
    pub(crate) fn list(&self) -> Vec<(String, Payload)> {
        let values: BTreeMap<&String, &Payload> =
            self.0.iter().map(|one| (&one.key, &one.value)).collect();
        values
            .into_iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// As they stood after the steps before `from_step`.
    pub(crate) fn before(&self, from_step: u32) -> Self {
        let mut events = self.clone();
        events.0.retain(|one| one.step_id < from_step);
        events
    }

    /// Every value that was set: by key, and then in the order of setting.
    pub(crate) fn archive(&self) -> Vec<ArchivedEvent> {
        let mut events = self.0.clone();
        events.sort_by(|a, b| a.key.cmp(&b.key));
        events
    }

    /// Events as they were archived.
    pub(crate) fn restore(events: Vec<ArchivedEvent>) -> Self {
        Self(events)
    }
}
