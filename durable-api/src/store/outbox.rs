use std::{any::Any, fmt::Debug};

use async_trait::async_trait;

use super::{InsertOutcome, InsertWorkflow, SendMessage, SendOutcome, StoreResult};

/// A connection with an open transaction, type-erased.
pub type DynConnection = dyn Any + Send;

/// Writing in a transaction of the caller's, which the caller commits or rolls back.
///
/// `connection` is the caller's open transaction in the store's own database; each store documents its type. The requests are those of a program that is no
/// workflow: they have neither sender nor parent.
#[async_trait]
pub trait OutboxStore: Debug + Send + Sync + 'static {
    /// As [`send_message`](super::MessageStore::send_message), in the caller's transaction.
    ///
    /// # Errors
    /// `Unsupported` from a store that cannot, and for a connection of another type.
    //
    // The lifetime is spelled out because mockall cannot read an elided one here.
    async fn send_message_within<'a>(
        &self,
        request: SendMessage,
        connection: &'a mut DynConnection,
    ) -> StoreResult<SendOutcome>;

    /// As [`insert_workflow`](super::WorkflowStore::insert_workflow) of a queued workflow, in the caller's transaction.
    ///
    /// # Errors
    /// `Unsupported` from a store that cannot, and for a connection of another type.
    async fn insert_workflow_within<'a>(
        &self,
        request: InsertWorkflow,
        connection: &'a mut DynConnection,
    ) -> StoreResult<InsertOutcome>;
}
