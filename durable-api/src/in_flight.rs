use std::sync::Arc;

use crate::{Ctx, scope::Execution};

/// A durable call of a workflow that was numbered and has not completed.
///
/// One that is dropped, because it lost a race in `select!` or its time was up, is noted, so that the engine can see to it
/// that it loses again in every replay.
pub(crate) struct InFlight(Option<(Arc<Execution>, u32)>);

impl InFlight {
    pub(crate) fn new(ctx: &Ctx, step_id: Option<u32>) -> Self {
        let call = ctx.execution().cloned().zip(step_id);
        if let Some((execution, step_id)) = &call {
            execution.begin(*step_id);
        }
        Self(call)
    }

    /// The call has its result. It completes when it is its turn among those that have theirs.
    pub(crate) async fn complete(mut self) {
        if let Some((execution, step_id)) = &self.0 {
            execution.take_turn(*step_id).await;
        }
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
