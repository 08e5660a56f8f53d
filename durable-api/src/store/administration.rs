use std::fmt::Debug;

use async_trait::async_trait;

use super::{Payloads, StoreResult, WorkflowRecord};
use crate::{Timestamp, WorkflowStatus};
use serde::{Deserialize, Serialize};

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
    /// Started by this workflow.
    pub parent_id: Option<String>,
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
            parent_id: None,
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

    /// Only children of this workflow.
    #[must_use]
    pub fn parent(mut self, id: impl Into<String>) -> Self {
        self.parent_id = Some(id.into());
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
            && self.parent_id.as_deref().is_none_or(|parent| {
                record
                    .parent
                    .as_ref()
                    .is_some_and(|step| step.workflow_id == parent)
            })
            && self
                .created_from
                .is_none_or(|from| record.created_at >= from)
            && self
                .created_before
                .is_none_or(|before| record.created_at < before)
            && self.after.as_ref().is_none_or(|cursor| {
                let after = (cursor.created_at, cursor.id.as_str());
                match self.order {
                    SortOrder::OldestFirst => place > after,
                    SortOrder::NewestFirst => place < after,
                }
            })
    }
}

impl Default for WorkflowFilter {
    fn default() -> Self {
        Self::new()
    }
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DamagedWorkflow {
    /// Which.
    pub workflow_id: String,
    /// What is wrong with it.
    pub reason: String,
}

impl DamagedWorkflow {
    /// A damaged row.
    pub fn new(workflow_id: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            reason: reason.into(),
        }
    }
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkflowPage {
    /// The workflows, in the order asked for.
    pub workflows: Vec<WorkflowRecord>,
    /// Rows within the page's range that could not be read; they take nothing from the others.
    pub damaged: Vec<DamagedWorkflow>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

impl WorkflowPage {
    /// An empty page.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Looking at what is stored.
#[async_trait]
pub trait AdministrationStore: Debug + Send + Sync + 'static {
    /// The workflows that meet a filter, in its order, one page.
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage>;
}
