pub(crate) mod candidates;
mod claim;
mod finish;
pub(crate) mod insert;

use async_trait::async_trait;
use durable_api::store::{
    ClaimWorkflows, ClaimedWorkflows, DamagedWorkflow, FinishOutcome, FinishWorkflow,
    InsertOutcome, InsertWorkflow, Payloads, StoreResult, WorkflowRecord, WorkflowStore,
};
use sqlx::SqliteConnection;

use crate::{
    SqliteStore,
    error::check_texts,
    record::{corrupt, outcome_columns, payload_columns, workflow, workflow_columns},
    sql::{query, values},
    steps::check_owner,
    writer::Write as _,
};

#[async_trait]
impl WorkflowStore for SqliteStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        insert::check(InsertWorkflow::OPERATION, &request)?;
        self.change(request).await
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        let sql = match payloads {
            Payloads::Omit => FIND,
            Payloads::Outcome => FIND_WITH_OUTCOME,
            Payloads::Load => FIND_WITH_PAYLOADS,
        };
        let rows = self
            .readers
            .fetch_all("get_workflow", sql, values![id])
            .await?;
        rows.first()
            .map(|row| workflow(row, payloads))
            .transpose()
            .map_err(|damaged| corrupt("get_workflow", &damaged))
    }

    async fn finish_workflow(&self, request: FinishWorkflow) -> StoreResult<FinishOutcome> {
        check_texts(
            FinishWorkflow::OPERATION,
            [
                request.workflow_id.as_str(),
                &request.outcome.payload().encoding,
            ],
        )?;
        check_owner(FinishWorkflow::OPERATION, request.owner)?;
        self.write(request).await
    }

    async fn claim_workflows(&self, request: ClaimWorkflows) -> StoreResult<ClaimedWorkflows> {
        check_texts(ClaimWorkflows::OPERATION, [request.executor_id.as_str()])?;
        check_owner(ClaimWorkflows::OPERATION, request.owner)?;
        self.write(request).await
    }
}

const FIND: &str = concat!(
    "SELECT ",
    workflow_columns!(),
    " FROM workflows WHERE id = ?"
);

const FIND_WITH_OUTCOME: &str = concat!(
    "SELECT ",
    workflow_columns!(),
    ", ",
    outcome_columns!(),
    " FROM workflows WHERE id = ?"
);

const FIND_WITH_PAYLOADS: &str = concat!(
    "SELECT ",
    workflow_columns!(),
    ", ",
    payload_columns!(),
    " FROM workflows WHERE id = ?"
);

/// A workflow without its payloads, within a transaction; or what is wrong with its row.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Option<Result<WorkflowRecord, DamagedWorkflow>>, sqlx::Error> {
    let row = query(FIND, values![id]).fetch_optional(connection).await?;
    Ok(row.as_ref().map(|row| workflow(row, Payloads::Omit)))
}
