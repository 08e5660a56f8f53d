//! What needs SQL transactions of the user's.
use async_trait::async_trait;
use durable_api::store::{
    DynBody, DynConnection, InsertOutcome, InsertWorkflow, OutboxStore, SendMessage, SendOutcome,
    StepRef, StoreError, StoreErrorKind, StoreResult, TransactionOutcome, TransactionStore,
};

use crate::PostgresStore;

#[async_trait]
impl TransactionStore for PostgresStore {
    async fn run_transaction<'a>(
        &self,
        _step: StepRef,
        _body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        Err(unsupported("run_transaction"))
    }
}

#[async_trait]
impl OutboxStore for PostgresStore {
    async fn send_message_within<'a>(
        &self,
        _request: SendMessage,
        _connection: &'a mut DynConnection,
    ) -> StoreResult<SendOutcome> {
        Err(unsupported("send_message_within"))
    }

    async fn insert_workflow_within<'a>(
        &self,
        _request: InsertWorkflow,
        _connection: &'a mut DynConnection,
    ) -> StoreResult<InsertOutcome> {
        Err(unsupported("insert_workflow_within"))
    }
}

fn unsupported(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported, operation).with_message("not yet in this store")
}
