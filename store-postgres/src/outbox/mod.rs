//! Writes in a transaction of the caller's.
mod connection;
mod insert;
mod send;

use async_trait::async_trait;
use durable_api::store::{
    DynConnection, InsertOutcome, InsertWorkflow, OutboxStore, SendMessage, SendOutcome,
    StoreErrorKind, StoreResult,
};

use crate::{PostgresStore, error::Failure};

/// The connection is a [`PgConnection`](crate::PgConnection), a `sqlx::Transaction<'static, sqlx::Postgres>` or a
/// [`PgTransaction`](crate::PgTransaction), with an open transaction in the store's own database. Without one, each write commits by
/// itself.
///
/// After an error, Postgres accepts nothing but a rollback, at least to a savepoint. Until the caller commits, a destination
/// cannot be deleted, and whoever uses the same message or workflow id waits. Whoever waits for the change
/// is woken by the commit. Messages that are sent at the same time stand in the order of the calls, not of the commits.
#[async_trait]
impl OutboxStore for PostgresStore {
    async fn send_message_within<'a>(
        &self,
        request: SendMessage,
        connection: &'a mut DynConnection,
    ) -> StoreResult<SendOutcome> {
        send::send(self, &request, connection)
            .await
            .map_err(|failure| failure.into_store_error("send_message_within"))
    }

    async fn insert_workflow_within<'a>(
        &self,
        request: InsertWorkflow,
        connection: &'a mut DynConnection,
    ) -> StoreResult<InsertOutcome> {
        insert::insert(self, request, connection)
            .await
            .map_err(|failure| failure.into_store_error("insert_workflow_within"))
    }
}

fn not_from_a_step(what: &str) -> Failure {
    let message = format!("{what}: a write in the caller's transaction belongs to no workflow");
    Failure::new(StoreErrorKind::Invalid, message)
}
