//! What a verification of recorded histories found.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::WorkflowStatus;

/// What came of replaying recorded histories against the code of this build. Its `Display` is a report for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplayReport {
    /// How many workflows were looked at, those that would diverge among them.
    pub workflows: u64,
    /// Those that the code of this build could not go on with, in the order in which they were looked at.
    pub divergences: Vec<ReplayDivergence>,
}

impl ReplayReport {
    /// A report.
    pub fn new(workflows: u64, divergences: Vec<ReplayDivergence>) -> Self {
        Self {
            workflows,
            divergences,
        }
    }

    /// Whether the code of this build can go on with every workflow that was looked at.
    pub fn is_compatible(&self) -> bool {
        self.divergences.is_empty()
    }
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, bad) = (self.workflows, self.divergences.len());
        let noun = if all == 1 { "workflow" } else { "workflows" };
        if self.is_compatible() {
            return write!(f, "{all} {noun} replayed, none diverges from this build");
        }
        let verb = if bad == 1 { "diverges" } else { "diverge" };
        write!(
            f,
            "{all} {noun} replayed, {bad} {verb} from this build; workflows that diverge would not go on:"
        )?;
        for divergence in &self.divergences {
            write!(f, "\n  {divergence}")?;
        }
        Ok(())
    }
}

/// A workflow that the code of this build could not go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplayDivergence {
    /// The workflow.
    pub workflow_id: String,
    /// The registered name of its code.
    pub name: String,
    /// The application version that it belongs to.
    pub version: Option<String>,
    /// Its status when it was read; absent where the row could not be read.
    pub status: Option<WorkflowStatus>,
    /// The number of the first step at which the code and the record part; absent where they do before the first.
    pub step_id: Option<u32>,
    /// Why.
    pub reason: DivergenceReason,
}

impl ReplayDivergence {
    /// A divergence of a workflow before its first step.
    pub fn new(
        workflow_id: impl Into<String>,
        name: impl Into<String>,
        reason: DivergenceReason,
    ) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            name: name.into(),
            version: None,
            status: None,
            step_id: None,
            reason,
        }
    }
}

impl fmt::Display for ReplayDivergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workflow_id, name, ..
        } = self;
        write!(f, "workflow `{workflow_id}` ({name}")?;
        if let Some(version) = &self.version {
            write!(f, ", version {version}")?;
        }
        if let Some(status) = self.status {
            write!(f, ", {status}")?;
        }
        f.write_str(")")?;
        if let Some(step_id) = self.step_id {
            write!(f, " at step {step_id}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why the code of this build could not go on with a workflow. Operations are given by the name under which they are recorded: a step's or a child's own, or one
/// of the library's, such as `durable.sleep`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DivergenceReason {
    /// No workflow of that name is registered in this build.
    NotRegistered,
    /// The code makes a call of the same kind under another name.
    OtherName {
        /// What is recorded.
        recorded: String,
        /// What the code calls.
        called: String,
    },
    /// The code makes a call of another kind: a sleep where a step is recorded, say.
    OtherKind {
        /// What is recorded.
        recorded: String,
        /// What the code calls.
        called: String,
    },
    /// The code ends before it has made all the calls that are recorded.
    FewerSteps {
        /// The first call that is recorded and not made.
        recorded: String,
        /// How many are.
        left: usize,
        /// The failure with which the code ended, if it failed.
        failure: Option<String>,
    },
    /// The workflow has ended, and the code makes a call beyond its last recorded step.
    MoreSteps {
        /// What the code calls.
        called: String,
    },
    /// The code stands still before a call that is recorded: at one of which nothing is recorded, at one that lost a race when it was recorded, or at something that is
    /// not durable and takes longer than the verification waits.
    StandsStill {
        /// The first call that is recorded and not made.
        recorded: String,
        /// The call of which nothing is recorded, if the code waits in one.
        waits_in: Option<String>,
    },
    /// A recorded input, output, message or event does not decode to what the code expects.
    Undecodable {
        /// What, and what is wrong with it.
        error: String,
    },
    /// The workflow has ended, and the code comes to another outcome. Looked for only if that is asked for.
    OtherOutcome {
        /// What is recorded.
        recorded: String,
        /// What the code comes to.
        returned: String,
    },
    /// The workflow cannot be read from the store, or its export from its file.
    Unreadable {
        /// What is wrong with it.
        error: String,
    },
    /// The replay ended for another reason.
    Interrupted {
        /// Why.
        error: String,
    },
}

impl fmt::Display for DivergenceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegistered => f.write_str("no workflow of this name is registered"),
            Self::OtherName { recorded, called } => {
                write!(f, "`{recorded}` is recorded, the code calls `{called}`")
            }
            Self::OtherKind { recorded, called } => write!(
                f,
                "`{recorded}` is recorded, the code makes a call of another kind, `{called}`"
            ),
            Self::FewerSteps {
                recorded,
                left,
                failure,
            } => {
                write!(f, "`{recorded}` is recorded")?;
                if *left > 1 {
                    write!(f, " ({left} calls in all)")?;
                }
                f.write_str(", the code ends before it")?;
                match failure {
                    Some(failure) => write!(f, ", with the failure: {failure}"),
                    None => Ok(()),
                }
            }
            Self::MoreSteps { called } => {
                write!(f, "the record ends here, the code calls `{called}`")
            }
            Self::StandsStill { recorded, waits_in } => {
                write!(
                    f,
                    "`{recorded}` is recorded, the code stands still before it"
                )?;
                match waits_in {
                    Some(call) => write!(f, ", in `{call}`, of which nothing is recorded"),
                    None => f.write_str(
                        ": it waits for what lost a race, or for something that is not durable",
                    ),
                }
            }
            Self::OtherOutcome { recorded, returned } => {
                write!(f, "{recorded} is recorded, the code comes to {returned}")
            }
            Self::Undecodable { error }
            | Self::Unreadable { error }
            | Self::Interrupted { error } => f.write_str(error),
        }
    }
}
