use std::fmt::Debug;

use async_trait::async_trait;

use super::{Cursor, StoreResult, WorkflowFilter, WorkflowRecord};
use serde::{Deserialize, Serialize};

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
