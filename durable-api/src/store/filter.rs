use serde::{Deserialize, Serialize};

use super::{Payloads, WorkflowRecord};
use crate::{Timestamp, WorkflowStatus};

/// The order of a listing, by time of creation and then by id (in byte order).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// The oldest first.
    #[default]
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// A place in a listing: after the workflow that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When the last workflow of the page was created.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
}

/// Which workflows to list. Conditions are combined by *and*; an empty list is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkflowFilter {
    /// Of this application; of any, if `None`.
    pub app: Option<String>,
    /// With one of these ids.
    pub ids: Vec<String>,
    /// With an id that begins so. Taken literally: `%`, `_` and `*` stand for themselves.
    pub id_prefix: Option<String>,
    /// With one of these names.
    pub names: Vec<String>,
    /// With one of these statuses.
    pub statuses: Vec<WorkflowStatus>,
    /// Of one of these versions.
    pub versions: Vec<String>,
    /// Run, now or last, by one of these executors.
    pub executor_ids: Vec<String>,
    /// That came by one of these queues.
    pub queues: Vec<String>,
    /// That are runs of one of these schedules.
    pub schedules: Vec<String>,
    /// Started by this workflow.
    pub parent_id: Option<String>,
    /// Made of the first steps of this workflow.
    pub forked_from: Option<String>,
    /// On behalf of one of these users.
    pub users: Vec<String>,
    /// With all of these attributes, each of exactly this value.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// Started at this time or later.
    pub started_from: Option<Timestamp>,
    /// Started before this time.
    pub started_before: Option<Timestamp>,
    /// Completed at this time or later.
    pub completed_from: Option<Timestamp>,
    /// Completed before this time.
    pub completed_before: Option<Timestamp>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_before: Option<Timestamp>,
    /// The order.
    pub order: SortOrder,
    /// At most this many.
    pub limit: u32,
    /// Only what comes after this place, in the chosen order.
    pub after: Option<Cursor>,
    /// Whether to load inputs and outcomes.
    pub payloads: Payloads,
}

impl WorkflowFilter {
    /// The limit of a filter that does not set one.
    pub const DEFAULT_LIMIT: u32 = 1_000;

    /// All workflows, oldest first, a [thousand](Self::DEFAULT_LIMIT) at most, without payloads.
    pub fn new() -> Self {
        Self {
            app: None,
            ids: Vec::new(),
            id_prefix: None,
            names: Vec::new(),
            statuses: Vec::new(),
            versions: Vec::new(),
            executor_ids: Vec::new(),
            queues: Vec::new(),
            schedules: Vec::new(),
            parent_id: None,
            forked_from: None,
            users: Vec::new(),
            attributes: serde_json::Map::new(),
            started_from: None,
            started_before: None,
            completed_from: None,
            completed_before: None,
            created_from: None,
            created_before: None,
            order: SortOrder::default(),
            limit: Self::DEFAULT_LIMIT,
            after: None,
            payloads: Payloads::Omit,
        }
    }

    /// Adds an id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.ids.push(id.into());
        self
    }

    /// Only ids that begin so.
    #[must_use]
    pub fn id_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.id_prefix = Some(prefix.into());
        self
    }

    /// Adds a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Adds a status.
    #[must_use]
    pub fn status(mut self, status: WorkflowStatus) -> Self {
        self.statuses.push(status);
        self
    }

    /// Adds a queue.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queues.push(name.into());
        self
    }

    /// Adds a schedule.
    #[must_use]
    pub fn schedule(mut self, name: impl Into<String>) -> Self {
        self.schedules.push(name.into());
        self
    }

    /// Only children of this workflow.
    #[must_use]
    pub fn parent(mut self, id: impl Into<String>) -> Self {
        self.parent_id = Some(id.into());
        self
    }

    /// Only forks of this workflow.
    #[must_use]
    pub fn forked_from(mut self, id: impl Into<String>) -> Self {
        self.forked_from = Some(id.into());
        self
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.users.push(user.into());
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(
        mut self,
        name: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// The newest first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.order = SortOrder::NewestFirst;
        self
    }

    /// At most this many.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Loads inputs and outcomes.
    #[must_use]
    pub fn with_payloads(mut self) -> Self {
        self.payloads = Payloads::Load;
        self
    }

    /// Only what comes after this place.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Whether `record` meets every condition but `limit`. What a listing must agree with.
    pub fn matches(&self, record: &WorkflowRecord) -> bool {
        let any =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        let any_of = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
        };
        let place = (record.created_at, record.id.as_str());
        self.app.as_deref().is_none_or(|app| app == record.app)
            && any(&self.ids, &record.id)
            && self
                .id_prefix
                .as_deref()
                .is_none_or(|prefix| record.id.starts_with(prefix))
            && any(&self.names, &record.name)
            && (self.statuses.is_empty() || self.statuses.contains(&record.status))
            && any_of(&self.versions, record.version.as_deref())
            && any_of(&self.executor_ids, record.executor_id.as_deref())
            && any_of(&self.queues, record.queue.as_deref())
            && any_of(&self.schedules, record.schedule.as_deref())
            && self.parent_id.as_deref().is_none_or(|parent| {
                record
                    .parent
                    .as_ref()
                    .is_some_and(|step| step.workflow_id == parent)
            })
            && (self.forked_from.is_none() || self.forked_from == record.forked_from)
            && any_of(&self.users, record.caller.user.as_deref())
            && self
                .attributes
                .iter()
                .all(|(name, value)| record.attributes.get(name) == Some(value))
            && within(
                self.created_from,
                self.created_before,
                Some(record.created_at),
            )
            && within(self.started_from, self.started_before, record.started_at)
            && within(
                self.completed_from,
                self.completed_before,
                record.completed_at,
            )
            && self.after.as_ref().is_none_or(|cursor| {
                let after = (cursor.created_at, cursor.id.as_str());
                match self.order {
                    SortOrder::OldestFirst => place > after,
                    SortOrder::NewestFirst => place < after,
                }
            })
    }
}

/// Whether a time lies in a range; without bounds, it need not exist.
fn within(from: Option<Timestamp>, before: Option<Timestamp>, time: Option<Timestamp>) -> bool {
    from.is_none_or(|from| time.is_some_and(|time| time >= from))
        && before.is_none_or(|before| time.is_some_and(|time| time < before))
}

impl Default for WorkflowFilter {
    fn default() -> Self {
        Self::new()
    }
}
