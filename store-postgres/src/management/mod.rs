//! Changes from outside an execution, each one transaction. Rows are locked in the order of ids; what crosses another
//! such change nevertheless is ended by the server, as contention, and nothing is applied.
mod cancel;
mod delete;
mod family;
mod fork;
mod resume;
mod retention;

use async_trait::async_trait;
use durable_api::store::{
    BulkOutcome, CancelExpired, CancelWorkflows, DeleteFinished, DeleteWorkflows, ForkOutcome,
    ForkWorkflow, ManagementStore, ResumeWorkflows, SetAttributes, SetAttributesOutcome,
    StoreResult, Wakeup,
};

use crate::{PostgresStore, attributes, error::Failure, writes};

#[async_trait]
impl ManagementStore for PostgresStore {
    async fn cancel_workflows(&self, request: CancelWorkflows) -> StoreResult<BulkOutcome> {
        let done = cancel::cancel(&self.database, &request).await;
        let done = done.map_err(|failure| failure.into_store_error("cancel_workflows"))?;
        self.tell_of(&done.changed).await;
        Ok(done)
    }

    async fn cancel_expired(&self, request: CancelExpired) -> StoreResult<Vec<String>> {
        let done = cancel::expire(&self.database, &request).await;
        let done = done.map_err(|failure| failure.into_store_error("cancel_expired"))?;
        self.tell_of(&done).await;
        Ok(done)
    }

    async fn resume_workflows(&self, request: ResumeWorkflows) -> StoreResult<BulkOutcome> {
        let done = resume::resume(&self.database, &request).await;
        let done = done.map_err(|failure| failure.into_store_error("resume_workflows"))?;
        self.tell_all(done.claimable, done.enqueued).await;
        Ok(done.outcome)
    }

    async fn fork_workflows(&self, requests: Vec<ForkWorkflow>) -> StoreResult<Vec<ForkOutcome>> {
        let done = fork::fork(&self.database, &requests).await;
        let done = done.map_err(|failure| failure.into_store_error("fork_workflows"))?;
        let forked = || {
            let all = requests.iter().zip(&done);
            all.filter(|(_, outcome)| **outcome == ForkOutcome::Forked)
        };
        let claimable = forked().any(|(request, _)| request.queue.is_none());
        let enqueued = forked().any(|(request, _)| request.queue.is_some());
        self.tell_all(claimable, enqueued).await;
        Ok(done)
    }

    async fn delete_workflows(&self, request: DeleteWorkflows) -> StoreResult<BulkOutcome> {
        let done = delete::delete(&self.database, &request).await;
        let done = done.map_err(|failure| failure.into_store_error("delete_workflows"))?;
        self.tell_of(&done.changed).await;
        Ok(done)
    }

    async fn delete_finished(&self, request: DeleteFinished) -> StoreResult<u64> {
        let done = retention::delete_finished(&self.database, &request).await;
        let done = done.map_err(|failure| failure.into_store_error("delete_finished"))?;
        self.tell_of(&done).await;
        Ok(done.len() as u64)
    }

    async fn set_attributes(&self, request: SetAttributes) -> StoreResult<SetAttributesOutcome> {
        set_attributes(self, &request)
            .await
            .map_err(|failure| failure.into_store_error("set_attributes"))
    }
}

impl PostgresStore {
    /// Tells who takes workflows up, or out of queues, that there may be some.
    pub(crate) async fn tell_all(&self, claimable: bool, enqueued: bool) {
        let claimable = claimable.then_some(Wakeup::Claimable);
        let enqueued = enqueued.then_some(Wakeup::Enqueued);
        self.hints.give(claimable.into_iter().chain(enqueued)).await;
    }

    async fn tell_of(&self, ids: &[String]) {
        let hints = ids.iter().map(|id| Wakeup::workflow(id));
        self.hints.give(hints).await;
    }
}

async fn set_attributes(
    store: &PostgresStore,
    request: &SetAttributes,
) -> Result<SetAttributesOutcome, Failure> {
    writes::check([request.workflow_id.as_str()], None, [])?;
    attributes::check(&request.attributes)?;
    let query = store
        .database
        .query(
            "UPDATE {schema}.workflows SET attributes = $2::jsonb, updated_at = $3 WHERE id = $1
             RETURNING 1",
        )
        .bind(&request.workflow_id)
        .bind(attributes::encode(&request.attributes))
        .bind(request.now.as_millis());
    Ok(match store.database.write(query).await?.is_empty() {
        false => SetAttributesOutcome::Set,
        true => SetAttributesOutcome::UnknownWorkflow,
    })
}
