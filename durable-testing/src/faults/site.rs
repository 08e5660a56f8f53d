use durable_api::store::{Owner, StepRef};

/// What a call is about.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) operation: &'static str,
    pub(super) workflow_id: Option<String>,
    pub(super) step_id: Option<u32>,
    /// The execution that asks for it, if it is one that writes for itself.
    pub(super) owner: Option<Owner>,
}

impl Site {
    /// A call about a workflow.
    pub(super) fn of(operation: &'static str, workflow_id: &str) -> Self {
        Self {
            operation,
            workflow_id: Some(workflow_id.to_owned()),
            step_id: None,
            owner: None,
        }
    }

    /// A call about a step of the workflow.
    pub(super) fn step(mut self, step_id: u32) -> Self {
        self.step_id = Some(step_id);
        self
    }

    /// A write of an execution for a step of its workflow.
    pub(super) fn of_step(operation: &'static str, step: &StepRef) -> Self {
        Self::of(operation, &step.workflow_id)
            .step(step.step_id)
            .by(step.owner)
    }

    /// A write of an execution.
    pub(super) fn by(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }
}

impl From<&'static str> for Site {
    fn from(operation: &'static str) -> Self {
        Self {
            operation,
            workflow_id: None,
            step_id: None,
            owner: None,
        }
    }
}
