use std::sync::Arc;

use crate::{Ctx, scope::Execution};

/// A durable call of a workflow that was numbered and has not completed.
///
/// One that is dropped, because it lost a race in `select!` or its time was up, is noted, so that the engine can see to it
/// that it loses again in every replay.
pub(crate) struct InFlight(Option<(Arc<Execution>, u32)>);

impl InFlight {
    pub(crate) fn new(ctx: &Ctx, step_id: Option<u32>) -> Self {
        Self(ctx.execution().cloned().zip(step_id))
    }

    pub(crate) fn complete(mut self) {
        self.0 = None;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some((execution, step_id)) = self.0.take() {
            // Outside the workflow's own code, it is the whole execution that is dropped.
            if execution.is_current() {
                execution.abandon(step_id);
            }
        }
    }
}
