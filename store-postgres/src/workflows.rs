use std::sync::Arc;

use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        ClaimWorkflows, ClaimedWorkflows, FinishOutcome, FinishWorkflow, InsertOutcome,
        InsertWorkflow, Payloads, StoreResult, Wakeup, WorkflowRecord, WorkflowStore,
    },
};

use crate::{
    PostgresStore, attributes,
    claim::claim,
    error::Failure,
    record::{self, column, workflow_columns},
    writes::{Enqueued, Finished, Inserted, check, execution, insert_one},
};

#[async_trait]
impl WorkflowStore for PostgresStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        insert(self, request)
            .await
            .map_err(|failure| failure.into_store_error("insert_workflow"))
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        get(self, id, payloads)
            .await
            .map_err(|failure| failure.into_store_error("get_workflow"))
    }

    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        finish(self, request)
            .await
            .map_err(|failure| failure.into_store_error("finish_workflow"))
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        let names = request.workflows.iter().map(|one| one.name.as_str());
        let texts = [&*request.app, &request.version, &request.executor_id];
        let claimed = match check(names.chain(texts), None, [request.owner]) {
            Ok(()) => claim(&self.database, &self.patience, &request).await,
            Err(failure) => Err(failure),
        };
        let claimed = claimed.map_err(|failure| failure.into_store_error("claim_workflows"))?;
        let ended = claimed.dead_lettered.iter();
        let requeued = (!claimed.requeued.is_empty()).then_some(Wakeup::Enqueued);
        self.hints
            .post(ended.map(|id| Wakeup::workflow(id)).chain(requeued));
        Ok(claimed)
    }
}

async fn insert(store: &PostgresStore, request: InsertWorkflow) -> Result<InsertOutcome, Failure> {
    check_insert(&request)?;
    if store.database.is_fenced() {
        // What others insert has other fences.
        return insert_singly(store, &request).await;
    }
    let request = Arc::new(request);
    let inserted = match Enqueued::new(&request) {
        Some(item) => store.enqueues.submit(item).await,
        None if request.enqueue.is_none() && request.schedule.is_none() => {
            store.inserts.submit(Arc::clone(&request)).await
        }
        // What is rare is judged by itself at once.
        None => Ok(Inserted::Taken),
    };
    match inserted {
        Ok(Inserted::Written) => Ok(InsertOutcome::Inserted),
        Ok(Inserted::ParentNotOwner) => Ok(InsertOutcome::ParentNotOwner),
        Ok(Inserted::UnknownExecutor) => Ok(InsertOutcome::UnknownExecutor),
        Ok(Inserted::Taken) => insert_singly(store, &request).await,
        // The parent's step was written at the same time, as by an earlier call whose answer was lost.
        Err(failure) if failure.sqlstate() == Some("23505") => insert_singly(store, &request).await,
        Err(failure) => Err(failure),
    }
}

async fn insert_singly(
    store: &PostgresStore,
    request: &InsertWorkflow,
) -> Result<InsertOutcome, Failure> {
    let outcome = insert_one(&store.database, request).await?;
    let is_new = matches!(
        outcome,
        InsertOutcome::Inserted | InsertOutcome::Debounced(_)
    );
    if is_new && request.enqueue.is_some() {
        store.hints.give([Wakeup::Enqueued]).await;
    }
    Ok(outcome)
}

/// Refuses what cannot be stored.
pub(crate) fn check_insert(request: &InsertWorkflow) -> Result<(), Failure> {
    let parent = request.parent.as_ref();
    let enqueue = request.enqueue.as_ref();
    let texts = [
        &request.id,
        &request.app,
        &request.name,
        &request.executor_id,
    ]
    .into_iter()
    .chain(&request.version)
    .chain(&request.caller.user)
    .chain(&request.caller.assumed_role)
    .chain(&request.caller.roles)
    .chain(&request.trace_context)
    .chain(&request.schedule)
    .chain(enqueue.map(|enqueue| &enqueue.queue))
    .chain(enqueue.and_then(|enqueue| enqueue.deduplication_id.as_ref()))
    .chain(enqueue.and_then(|enqueue| enqueue.partition_key.as_ref()))
    .chain(enqueue.and_then(|enqueue| Some(&enqueue.debounce.as_ref()?.key)))
    .chain(parent.map(|parent| &parent.workflow_id))
    .chain(parent.map(|parent| &parent.step_name));
    let owners = [request.owner]
        .into_iter()
        .chain(parent.map(|parent| parent.owner));
    check(texts.map(String::as_str), Some(&request.input), owners)?;
    attributes::check(&request.attributes)
}

async fn get(
    store: &PostgresStore,
    id: &str,
    payloads: Payloads,
) -> Result<Option<WorkflowRecord>, Failure> {
    check([id], None, [])?;
    let columns = workflow_columns(payloads);
    let sql = format!("SELECT {columns} FROM {{schema}}.workflows w WHERE w.id = $1");
    let rows = store
        .database
        .read(store.database.query(&sql).bind(id))
        .await?;
    let record = rows.first().map(|row| record::workflow(row, payloads));
    record
        .transpose()
        .map_err(|damage| record::corrupt(id, &damage))
}

async fn finish(store: &PostgresStore, request: FinishWorkflow) -> Result<FinishOutcome, Failure> {
    let payload = request.outcome.payload();
    check(
        [request.workflow_id.as_str()],
        Some(payload),
        [request.owner],
    )?;

    let request = Arc::new(request);
    let finished = match store.finishes.submit(Arc::clone(&request)).await? {
        Finished::Written => true,
        Finished::Refused => was_finished_before(store, &request).await?,
    };
    if !finished {
        return Ok(FinishOutcome::NotOwner);
    }
    store.hints.post([Wakeup::workflow(&request.workflow_id)]);
    Ok(FinishOutcome::Finished)
}

/// Whether the outcome on record is this owner's: the owner stays on record.
async fn was_finished_before(
    store: &PostgresStore,
    request: &FinishWorkflow,
) -> Result<bool, Failure> {
    let query = store
        .database
        .query(
            "SELECT w.status FROM {schema}.workflows w
             WHERE w.id = $1 AND w.owner_incarnation = $2 AND w.owner_execution = $3",
        )
        .bind(&request.workflow_id)
        .bind(request.owner.incarnation.0)
        .bind(execution(request.owner));
    let rows = store.database.read(query).await?;
    let status: Option<String> = rows.first().map(|row| column(row, "status")).transpose()?;
    let finished = [WorkflowStatus::Success, WorkflowStatus::Error].map(WorkflowStatus::as_str);
    Ok(status.is_some_and(|status| finished.contains(&status.as_str())))
}
