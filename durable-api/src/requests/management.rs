use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    store::{AggregateWorkflows, WorkflowArchive, WorkflowFilter},
};

/// A request for a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListWorkflows {
    /// What to list. An `app` of `None` means the caller's own.
    pub filter: WorkflowFilter,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl ListWorkflows {
    /// A request.
    pub fn new(filter: WorkflowFilter, step_id: Option<u32>) -> Self {
        Self { filter, step_id }
    }
}

/// A request to count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Aggregate {
    /// What to count.
    pub query: AggregateWorkflows,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Aggregate {
    /// A request.
    pub fn new(query: AggregateWorkflows, step_id: Option<u32>) -> Self {
        Self { query, step_id }
    }
}

/// A request to change workflows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manage {
    /// Which.
    pub ids: Vec<String>,
    /// Whether their children are meant as well.
    pub children: bool,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Manage {
    /// A request.
    pub fn new(ids: Vec<String>, children: bool, step_id: Option<u32>) -> Self {
        Self {
            ids,
            children,
            step_id,
        }
    }
}

/// A request to fork a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fork {
    /// The workflow to copy from.
    pub source: String,
    /// From where on the new workflow runs itself.
    pub from: ForkFrom,
    /// The new workflow's id; a random one, if `None`.
    pub workflow_id: Option<String>,
    /// Its version; the source's, if `None`.
    pub version: Option<String>,
    /// The queue in which it waits; `None` to start it at once.
    pub queue: Option<String>,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Fork {
    /// A request.
    pub fn new(
        source: String,
        from: ForkFrom,
        workflow_id: Option<String>,
        version: Option<String>,
        step_id: Option<u32>,
    ) -> Self {
        Self {
            source,
            from,
            workflow_id,
            version,
            queue: None,
            step_id,
        }
    }
}

/// A request to fork several workflows alike.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForkMany {
    /// The workflows to copy from.
    pub sources: Vec<String>,
    /// From where on the new workflows run themselves.
    pub from: ForkFrom,
    /// Their version; each source's, if `None`.
    pub version: Option<String>,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl ForkMany {
    /// A request that keeps the versions.
    pub fn new(sources: Vec<String>, from: ForkFrom, step_id: Option<u32>) -> Self {
        Self {
            sources,
            from,
            version: None,
            step_id,
        }
    }
}

/// What a request for several forks made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Forks {
    /// The source and the new workflow's id, in the order of the request.
    pub forked: Vec<(String, String)>,
    /// Ids of the request that belong to no workflow.
    pub unknown: Vec<String>,
}

impl Forks {
    /// No fork.
    pub fn new() -> Self {
        Self::default()
    }
}

/// From where on a fork runs itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkFrom {
    /// From the step of this number. Of branches that run side by side or against each other, those with this number or a later one run again.
    Step(u32),
    /// From the last recorded step.
    LastStep,
    /// From the last step that recorded a failure; from the last step, if none did.
    LastFailure,
}

/// A request to replace attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAttributes {
    /// The workflow.
    pub workflow_id: String,
    /// Its new attributes.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl SetAttributes {
    /// A request.
    pub fn new(
        workflow_id: String,
        attributes: serde_json::Map<String, serde_json::Value>,
        step_id: Option<u32>,
    ) -> Self {
        Self {
            workflow_id,
            attributes,
            step_id,
        }
    }
}

/// A request to delete what ended long ago. Conditions are combined by *and*; without any, nothing is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Workflows that ended before this time.
    pub completed_before: Option<Timestamp>,
    /// Workflows beyond the latest so many.
    pub keep_latest: Option<u64>,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Retention {
    /// A request.
    pub fn new(
        completed_before: Option<Timestamp>,
        keep_latest: Option<u64>,
        step_id: Option<u32>,
    ) -> Self {
        Self {
            completed_before,
            keep_latest,
            step_id,
        }
    }
}

/// A request to write an exported workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Import {
    /// The workflow.
    pub archive: WorkflowArchive,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Import {
    /// A request.
    pub fn new(archive: WorkflowArchive, step_id: Option<u32>) -> Self {
        Self { archive, step_id }
    }
}

/// A request about a version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// Which.
    pub version: String,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Version {
    /// A request.
    pub fn new(version: String, step_id: Option<u32>) -> Self {
        Self { version, step_id }
    }
}
