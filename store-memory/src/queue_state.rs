use std::collections::{BTreeMap, BTreeSet};

use durable_api::{
    WorkflowStatus,
    store::{QueueRecord, WorkflowRecord},
};

use crate::{starts::Starts, tables::Tables, turns::Turns};

/// Queues by application and name: those with a configuration, and those from which something was taken lately.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub(crate) by_name: BTreeMap<(String, String), Queue>,
    /// Counts how often one was served.
    pub(crate) rounds: u64,
}

/// What is remembered of a queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) record: Option<QueueRecord>,
    /// In which round it was served last.
    pub(crate) served: u64,
    pub(crate) turns: Turns,
    pub(crate) starts: Starts,
}

/// The order in which `ENQUEUED` workflows of one partition are due: by priority, then by acceptance.
pub(crate) type Due = (i32, u64);

impl Tables {
    /// What is remembered of a queue.
    pub(crate) fn queue(&mut self, app: &str, name: &str) -> &mut Queue {
        let key = (app.to_owned(), name.to_owned());
        self.queues.by_name.entry(key).or_default()
    }

    /// The workflows of a queue that have not ended.
    pub(crate) fn unfinished<'a>(
        &'a self,
        app: &'a str,
        queue: &'a str,
    ) -> impl Iterator<Item = &'a WorkflowRecord> {
        self.workflows.values().filter(move |row| {
            row.app == app && row.queue.as_deref() == Some(queue) && !row.status.is_final()
        })
    }

    /// Forgets the turns of partitions, and the queues without configuration, that have nothing left.
    pub(crate) fn tidy(&mut self, app: &str, queue: &str) {
        let partitions: BTreeSet<Option<String>> = self
            .unfinished(app, queue)
            .map(|row| row.partition_key.clone())
            .collect();
        let idle = partitions.is_empty();
        let remembered = self.queue(app, queue);
        remembered.turns.keep(&partitions);
        if idle && remembered.record.is_none() {
            let key = (app.to_owned(), queue.to_owned());
            self.queues.by_name.remove(&key);
        }
    }

    /// Whether another workflow of its queue, that has not ended, has a workflow's deduplication id.
    pub(crate) fn is_duplicate(&self, row: &WorkflowRecord) -> bool {
        let Some(queue) = row.queue.as_deref() else {
            return false;
        };
        row.deduplication_id.is_some()
            && self
                .unfinished(&row.app, queue)
                .any(|other| other.id != row.id && other.deduplication_id == row.deduplication_id)
    }

    /// Whether a workflow is delayed, and another one is to which its debounce key leads.
    pub(crate) fn is_pushed_instead(&self, row: &WorkflowRecord) -> bool {
        let key = |row: &WorkflowRecord| row.debounce.as_ref().map(|debounce| debounce.key.clone());
        let is_delayed =
            |row: &WorkflowRecord| row.status == WorkflowStatus::Delayed && row.debounce.is_some();
        is_delayed(row)
            && self.workflows.values().any(|other| {
                is_delayed(other)
                    && (&other.app, &other.name, key(other)) == (&row.app, &row.name, key(row))
            })
    }

    /// When a workflow is due.
    pub(crate) fn due(&self, row: &WorkflowRecord) -> Due {
        let place = self.places.get(&row.id).copied().unwrap_or_default();
        (row.priority, place)
    }

    /// The names of the queues of an application in which something waits for its turn, those first that were served longest ago.
    pub(crate) fn waiting_queues(&self, app: &str) -> Vec<String> {
        let names: BTreeSet<&String> = self
            .workflows
            .values()
            .filter(|row| row.app == app && row.status == WorkflowStatus::Enqueued)
            .filter_map(|row| row.queue.as_ref())
            .collect();
        let mut names: Vec<String> = names.into_iter().cloned().collect();
        names.sort_by_key(|name| {
            let key = (app.to_owned(), name.clone());
            self.queues
                .by_name
                .get(&key)
                .map_or(0, |queue| queue.served)
        });
        names
    }
}
