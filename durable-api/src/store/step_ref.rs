use super::Owner;
use crate::Timestamp;

/// The step of a workflow that an effect belongs to, with the execution that has it.
///
/// Of a step that is the effect's own (`recorded`), the effect and the step's checkpoint are one commit. Of an effect
/// inside the body of a step (not `recorded`), only the effect is written, and the step's number is noted with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepRef {
    /// The workflow.
    pub workflow_id: String,
    /// The execution that writes.
    pub owner: Owner,
    /// The step's number.
    pub step_id: u32,
    /// The step's name, which a replay must meet again.
    pub name: String,
    /// Whether the effect writes the step's checkpoint.
    pub recorded: bool,
    /// When the step began.
    pub started_at: Timestamp,
    /// The checkpoint's [`completions`](super::StepRecord::completions).
    pub completions: Option<String>,
}

impl StepRef {
    /// A step whose checkpoint the effect writes.
    pub fn recorded(
        workflow_id: impl Into<String>,
        owner: Owner,
        step_id: u32,
        name: impl Into<String>,
        started_at: Timestamp,
    ) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            owner,
            step_id,
            name: name.into(),
            recorded: true,
            started_at,
            completions: None,
        }
    }

    /// A step in whose body the effect is.
    pub fn inside(
        workflow_id: impl Into<String>,
        owner: Owner,
        step_id: u32,
        started_at: Timestamp,
    ) -> Self {
        Self {
            workflow_id: workflow_id.into(),
            owner,
            step_id,
            name: String::new(),
            recorded: false,
            started_at,
            completions: None,
        }
    }
}
