/// What a call is about.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) operation: &'static str,
    pub(super) workflow_id: Option<String>,
    pub(super) step_id: Option<u32>,
}

impl Site {
    /// A call about a workflow.
    pub(super) fn of(operation: &'static str, workflow_id: &str) -> Self {
        Self {
            operation,
            workflow_id: Some(workflow_id.to_owned()),
            step_id: None,
        }
    }

    /// A call about a step of the workflow.
    pub(super) fn step(mut self, step_id: u32) -> Self {
        self.step_id = Some(step_id);
        self
    }
}

impl From<&'static str> for Site {
    fn from(operation: &'static str) -> Self {
        Self {
            operation,
            workflow_id: None,
            step_id: None,
        }
    }
}
