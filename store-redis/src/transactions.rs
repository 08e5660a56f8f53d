//! What needs SQL transactions of the user's, which Redis does not have.
use async_trait::async_trait;
use durable_api::store::{
    DynBody, DynConnection, InsertOutcome, InsertWorkflow, OutboxStore, SendMessage, SendOutcome,
    StepRef, StoreError, StoreErrorKind, StoreResult, TransactionOutcome, TransactionStore,
};

use crate::RedisStore;

#[async_trait]
impl TransactionStore for RedisStore {
    async fn run_transaction<'a>(
        &self,
        _step: StepRef,
        _body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        Err(unsupported("run_transaction"))
    }
}

#[async_trait]
impl OutboxStore for RedisStore {
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
    StoreError::new(StoreErrorKind::Unsupported, operation)
        .with_message("Redis has no SQL transactions; Postgres and SQLite have")
}
