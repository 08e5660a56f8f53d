use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{StoreResult, WorkflowFilter, WorkflowRecord};
use crate::Timestamp;

/// By what to group workflows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AggregateWorkflows {
    /// Which workflows.
    pub filter: WorkflowFilter,
    /// By status.
    pub by_status: bool,
    /// By name.
    pub by_name: bool,
    /// By version.
    pub by_version: bool,
    /// By queue.
    pub by_queue: bool,
    /// By time of creation, in buckets of so many milliseconds that begin at multiples of it; 0 for one bucket.
    pub bucket_millis: u64,
}

impl AggregateWorkflows {
    /// All that meet a filter, as one group.
    pub fn new(filter: WorkflowFilter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }

    /// The group of a record. What an aggregation must agree with.
    pub fn key(&self, record: &WorkflowRecord) -> GroupKey {
        let bucket = i64::try_from(self.bucket_millis)
            .ok()
            .filter(|size| *size > 0);
        GroupKey {
            status: self.by_status.then(|| record.status.as_str().to_owned()),
            name: self.by_name.then(|| record.name.clone()),
            version: self.by_version.then(|| record.version.clone()).flatten(),
            queue: self.by_queue.then(|| record.queue.clone()).flatten(),
            bucket: bucket.map(|size| {
                let millis = record.created_at.as_millis();
                Timestamp::from_millis(millis - millis.rem_euclid(size))
            }),
        }
    }
}

/// What the workflows of a group have in common; `None` where it was not grouped by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupKey {
    /// The name of the status.
    pub status: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The version; `None` also for unversioned work.
    pub version: Option<String>,
    /// The queue; `None` also for what was started at once.
    pub queue: Option<String>,
    /// The start of the bucket.
    pub bucket: Option<Timestamp>,
}

/// A group of workflows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkflowGroup {
    /// What they have in common.
    pub key: GroupKey,
    /// How many there are.
    pub count: u64,
    /// How many of them have ended.
    pub completed: u64,
    /// The time from creation to end of those that have ended, added up, in milliseconds.
    pub total_millis: u64,
    /// The longest of these times, in milliseconds.
    pub longest_millis: u64,
}

impl WorkflowGroup {
    /// An empty group.
    pub fn new(key: GroupKey) -> Self {
        Self {
            key,
            count: 0,
            completed: 0,
            total_millis: 0,
            longest_millis: 0,
        }
    }

    /// Counts a workflow in.
    pub fn add(&mut self, record: &WorkflowRecord) {
        self.count += 1;
        if let Some(end) = record.completed_at {
            let took = end.saturating_duration_since(record.created_at).as_millis();
            let took = u64::try_from(took).unwrap_or(u64::MAX);
            self.completed += 1;
            self.total_millis = self.total_millis.saturating_add(took);
            self.longest_millis = self.longest_millis.max(took);
        }
    }
}

/// Counting what is stored.
#[async_trait]
pub trait AggregateStore: Debug + Send + Sync + 'static {
    /// Counts the workflows that meet a filter, in groups. Order, limit, cursor and payloads of the filter do not count. Rows that
    /// cannot be read are left out. The groups come in the order of their keys.
    async fn aggregate_workflows(
        &self,
        request: AggregateWorkflows,
    ) -> StoreResult<Vec<WorkflowGroup>>;
}
