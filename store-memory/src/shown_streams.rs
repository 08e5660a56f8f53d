use std::collections::BTreeMap;

use durable_api::{
    Payload,
    store::{AppendOutcome, ArchivedStream},
};
use uuid::Uuid;

/// A workflow's streams.
#[derive(Debug, Default)]
pub(crate) struct ShownStreams {
    by_key: BTreeMap<String, ShownStream>,
    /// At which offset each write stands.
    writes: BTreeMap<Uuid, u64>,
}

/// A stream, with the numbers of the steps that wrote it.
#[derive(Debug, Default)]
pub(crate) struct ShownStream {
    values: Vec<(u32, Payload)>,
    closed_by: Option<u32>,
}

impl ShownStreams {
    /// Where a write stands that came before.
    pub(crate) fn offset_of(&self, write_id: Uuid) -> Option<u64> {
        self.writes.get(&write_id).copied()
    }

    /// Appends a value, or closes a stream.
    pub(crate) fn write(
        &mut self,
        step_id: u32,
        key: String,
        value: Option<Payload>,
        write_id: Uuid,
    ) -> AppendOutcome {
        let stream = self.by_key.entry(key).or_default();
        if stream.is_closed() {
            return AppendOutcome::Closed;
        }
        let offset = stream.values.len() as u64;
        match value {
            Some(value) => stream.values.push((step_id, value)),
            None => stream.closed_by = Some(step_id),
        }
        self.writes.insert(write_id, offset);
        AppendOutcome::Appended { offset }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&ShownStream> {
        self.by_key.get(key)
    }

    /// What the steps before `from_step` wrote.
    pub(crate) fn before(&self, from_step: u32) -> Self {
        let by_key = self.by_key.iter();
        Self {
            by_key: by_key
                .map(|(key, stream)| (key.clone(), stream.before(from_step)))
                .collect(),
            writes: BTreeMap::new(),
        }
    }

    /// All streams that have a value or are closed, by key.
    pub(crate) fn archive(&self) -> Vec<ArchivedStream> {
        let streams = self.by_key.iter();
        streams
            .filter(|(_, stream)| !stream.values.is_empty() || stream.is_closed())
            .map(|(key, stream)| ArchivedStream {
                key: key.clone(),
                values: stream.values.clone(),
                closed_by: stream.closed_by,
            })
            .collect()
    }

    /// Streams as they were archived.
    pub(crate) fn restore(streams: Vec<ArchivedStream>) -> Self {
        let by_key = streams.into_iter().map(|stream| {
            let shown = ShownStream {
                values: stream.values,
                closed_by: stream.closed_by,
            };
            (stream.key, shown)
        });
        Self {
            by_key: by_key.collect(),
            writes: BTreeMap::new(),
        }
    }
}

impl ShownStream {
    /// At most `limit` values from an offset on, and whether they are the last ones.
    pub(crate) fn page(&self, from: u64, limit: u32) -> (Vec<Payload>, bool) {
        let skipped = usize::try_from(from).unwrap_or(usize::MAX);
        let rest = self.values.get(skipped..).unwrap_or_default();
        let taken = rest.iter().take(limit as usize);
        let values: Vec<Payload> = taken.map(|(_, value)| value.clone()).collect();
        let last = values.len() == rest.len();
        (values, last)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed_by.is_some()
    }

    fn before(&self, from_step: u32) -> Self {
        let values = self.values.iter();
        Self {
            values: values
                .filter(|(step_id, _)| *step_id < from_step)
                .cloned()
                .collect(),
            closed_by: self.closed_by.filter(|step_id| *step_id < from_step),
        }
    }
}
