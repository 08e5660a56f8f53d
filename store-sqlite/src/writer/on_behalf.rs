use std::sync::Arc;

use durable_api::store::Fence;
use sqlx::SqliteConnection;

use super::{
    watch::Hints,
    write::{Quick, Trouble, Write},
};
use crate::steps::owned;

/// A write that is done while an execution owns its workflow; the answer is `None` otherwise.
pub(crate) struct OnBehalf<W> {
    fence: Arc<Fence>,
    write: W,
}

impl<W> OnBehalf<W> {
    pub(crate) fn new(fence: Arc<Fence>, write: W) -> Self {
        Self { fence, write }
    }
}

impl<W: Write> Write for OnBehalf<W> {
    type Answer = Option<W::Answer>;

    const OPERATION: &'static str = W::OPERATION;

    fn size(&self) -> usize {
        self.write.size()
    }

    /// None: the fence is judged first.
    fn quick(&self) -> Option<Quick<Self::Answer>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Self::Answer, Trouble> {
        let Fence {
            workflow_id, owner, ..
        } = &*self.fence;
        match owned(connection, workflow_id, *owner).await? {
            Some(_) => self.write.apply(connection).await.map(Some),
            None => Ok(None),
        }
    }

    fn wake(&self, answer: &Self::Answer, hints: &mut Hints) {
        if let Some(answer) = answer {
            self.write.wake(answer, hints);
        }
    }
}
