use std::{path::PathBuf, time::Duration};

use crate::store::{WorkflowArchive, WorkflowFilter};

/// A request to replay recorded histories.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReplay {
    /// Which workflows of the store. An `app` of `None` means the caller's own; without ids and statuses, those that have not ended.
    pub filter: WorkflowFilter,
    /// Exported workflows, to be replayed instead of those of the store.
    pub archives: Vec<WorkflowArchive>,
    /// Files of exported workflows, likewise.
    pub exports: Vec<PathBuf>,
    /// Whether the outcome of a workflow that has ended must be what is recorded.
    pub outcomes: bool,
    /// How long code may stand still before a recorded call.
    pub patience: Duration,
    /// How many workflows to replay at a time.
    pub concurrency: usize,
}

impl VerifyReplay {
    /// A request for all workflows of the store that have not ended, 32 at a time, with a patience of 5 s.
    pub fn new() -> Self {
        Self {
            filter: WorkflowFilter::new(),
            archives: Vec::new(),
            exports: Vec::new(),
            outcomes: false,
            patience: Duration::from_secs(5),
            concurrency: 32,
        }
    }
}

impl Default for VerifyReplay {
    fn default() -> Self {
        Self::new()
    }
}
