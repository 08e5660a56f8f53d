//! Transactions of the user's that commit together with what is recorded of a step.
mod checkpoints;
mod completions;
mod data_source;
mod guard;
mod ledger;
mod open;
mod run;

pub use data_source::SqliteDataSource;
pub use guard::SqliteTransaction;

use async_trait::async_trait;
use durable_api::store::{DynBody, StepRef, StoreResult, TransactionOutcome, TransactionStore};

use crate::SqliteStore;
use checkpoints::Checkpoints;
use open::OpenTransaction;

const OPERATION: &str = "run_transaction";

/// The body's transaction is a [`SqliteTransaction`], begun by `BEGIN IMMEDIATE` on a connection of its own. The user's tables
/// are in the store's file, beside its own: they are created after [`migrate`](durable_api::store::LifecycleStore::migrate).
///
/// SQLite has one writer. A body waits for its turn among the writes of the store, and all of them wait for it: checkpoints of other
/// workflows, heartbeats, the cancellation of its own workflow, other processes on the file. So bodies must be short, and
/// are given up after a [while](crate::SqliteOptions::transaction_timeout): then the step has failed. Reads go on. A write through the
/// store from within a body, as by `set_event` or `write_stream`, would wait for the body's end, and is `Unsupported`.
#[async_trait]
impl TransactionStore for SqliteStore {
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome> {
        crate::effects::check_step(OPERATION, &step)?;
        // Dropped last: the next writer finds the file free.
        let turn = self.writer.turn(OPERATION).await?;
        let transaction = OpenTransaction::of_store(&self.database)
            .await
            .map_err(|failure| failure.report(OPERATION, self.database.path()))?;
        let ledger = Checkpoints {
            path: self.database.path(),
        };
        let bound = Some(self.transaction_timeout);
        let outcome = run::run(transaction, &ledger, &step, body, bound);
        let outcome = turn.while_held(outcome).await;
        if matches!(outcome, Ok(TransactionOutcome::Committed)) {
            turn.count();
        }
        outcome
    }
}
