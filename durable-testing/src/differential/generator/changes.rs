use durable_api::{SystemStore, WorkflowStatus, store::Fence};

use super::Generator;

/// What is done on behalf of an execution.
impl Generator {
    /// An execution, and mostly one that owns its workflow.
    pub(super) async fn fence(&mut self, reference: &dyn SystemStore) -> Fence {
        let (mut id, mut found) = self.look(reference).await;
        for _ in 0..4 {
            if found
                .as_ref()
                .is_some_and(|record| record.status == WorkflowStatus::Pending)
            {
                break;
            }
            (id, found) = self.look(reference).await;
        }
        Fence::new(id, self.owner_of(found.as_ref()))
    }
}
