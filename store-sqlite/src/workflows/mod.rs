mod claim;
mod finish;
mod insert;

use async_trait::async_trait;
use durable_api::store::{
    ClaimWorkflows, ClaimedWorkflows, DamagedWorkflow, FinishOutcome, FinishWorkflow,
    InsertOutcome, InsertWorkflow, Payloads, StoreResult, WorkflowRecord, WorkflowStore,
};
use sqlx::SqliteConnection;

use crate::{
    SqliteStore,
    attributes::check_attributes,
    error::check_texts,
    record::{corrupt, payload_columns, workflow, workflow_columns},
    sql::{query, values},
    steps::check_owner,
    writer::Write as _,
};

#[async_trait]
impl WorkflowStore for SqliteStore {
    async fn insert_workflow(&self, request: InsertWorkflow) -> StoreResult<InsertOutcome> {
        check_insert(InsertWorkflow::OPERATION, &request)?;
        self.write(request).await
    }

    async fn get_workflow(
        &self,
        id: &str,
        payloads: Payloads,
    ) -> StoreResult<Option<WorkflowRecord>> {
        let sql = match payloads {
            Payloads::Omit => FIND,
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

/// Refuses what cannot be stored.
pub(crate) fn check_insert(operation: &'static str, request: &InsertWorkflow) -> StoreResult<()> {
    check_texts(
        operation,
        [
            request.id.as_str(),
            &request.app,
            &request.name,
            &request.executor_id,
            &request.input.encoding,
        ]
        .into_iter()
        .chain(request.version.as_deref())
        .chain(request.caller.user.as_deref())
        .chain(request.caller.assumed_role.as_deref())
        .chain(request.caller.roles.iter().map(String::as_str))
        .chain(request.trace_context.as_deref())
        .chain(
            request
                .parent
                .iter()
                .flat_map(|parent| [parent.workflow_id.as_str(), &parent.step_name]),
        ),
    )?;
    check_attributes(operation, &request.attributes)?;
    check_owner(operation, request.owner)?;
    if let Some(parent) = &request.parent {
        check_owner(operation, parent.owner)?;
    }
    Ok(())
}

const FIND: &str = concat!(
    "SELECT ",
    workflow_columns!(),
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
