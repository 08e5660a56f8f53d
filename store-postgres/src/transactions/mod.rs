//! Transactions of the user's that commit together with what is recorded of a step.
mod checkpoints;
mod completions;
mod data_source;
mod guard;
mod ledger;
mod open;
mod pool;
mod run;

pub use data_source::PgDataSource;
pub use guard::PgTransaction;
pub(crate) use pool::bodies;

use async_trait::async_trait;
use durable_api::store::{DynBody, StepRef, StoreResult, TransactionOutcome, TransactionStore};

use crate::PostgresStore;
use checkpoints::Checkpoints;

/// The body's transaction is a [`PgTransaction`], at the isolation level that is the session's default. It may begin with
/// `SET TRANSACTION ISOLATION LEVEL …`: nothing that takes a snapshot runs in it before the body.
///
/// Ownership is judged by a statement before the transaction and once more, with a lock on the workflow's row, by the
/// statement that writes the checkpoint right before the commit. So a body, however long it takes, holds up neither the
/// workflow's cancellation nor other writes; it runs in vain if the workflow is cancelled meanwhile.
///
/// Bodies run on connections of their own ([`max_transactions`](crate::PostgresOptions::max_transactions)), so that they
/// cannot take all those that the store itself needs.
#[async_trait]
impl TransactionStore for PostgresStore {
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        let checkpoints = Checkpoints(&self.database);
        run::run(&self.bodies, &checkpoints, &step, body)
            .await
            .map_err(|failure| failure.into_store_error("run_transaction"))
    }
}
