use async_trait::async_trait;
use durable_api::store::{Change, ChangeStore, Changed, Fence, Fenced, StoreResult};

use crate::{PostgresStore, database::Fencing, writes::check};

#[async_trait]
impl ChangeStore for PostgresStore {
    async fn change(&self, by: Fence, change: Change) -> StoreResult<Fenced<Changed>> {
        check([by.workflow_id.as_str()], None, [by.owner])
            .map_err(|failure| failure.into_store_error(change.operation()))?;
        let store = Self {
            database: self.database.fenced(Fencing::new(by, changed(&change))),
            ..self.clone()
        };
        Fenced::judge(change.apply(&store).await)
    }
}

/// The workflows that a change names, and locks against their executions.
fn changed(change: &Change) -> Vec<String> {
    match change {
        Change::CancelWorkflows(request) => request.ids.clone(),
        Change::ResumeWorkflows(request) => request.ids.clone(),
        Change::DeleteWorkflows(request) => request.ids.clone(),
        Change::ForkWorkflows(requests) => requests.iter().map(|one| one.source.clone()).collect(),
        Change::SetAttributes(request) => vec![request.workflow_id.clone()],
        Change::SetDelay(request) => vec![request.workflow_id.clone()],
        _ => Vec::new(),
    }
}
