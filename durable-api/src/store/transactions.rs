use std::{any::Any, fmt::Debug};

use async_trait::async_trait;

use super::{StepRecord, StepRef, StoreResult};
use crate::Failure;

/// What the body of a transactional step came to.
#[derive(Debug)]
pub enum BodyOutcome {
    /// Commit, and write this checkpoint with it.
    Commit(StepRecord),
    /// Roll back.
    RollBack(Failure),
}

/// The body of a transactional step, type-erased.
#[async_trait]
pub trait TransactionBody: Send + Sync {
    /// Runs the body once, in an open transaction. It may be called again, in a fresh one, when the transaction
    /// could not be committed.
    ///
    /// `transaction` is owned: each database documents its type. It gives the transaction back when it is dropped, which must
    /// be before this returns.
    async fn run(&self, transaction: Box<dyn Any + Send>) -> BodyOutcome;
}

/// A borrowed body.
//
// An alias, because mockall's expansion of the type trips `unused_parens`.
pub type DynBody<'a> = dyn TransactionBody + 'a;

/// Answer to [`run_transaction`](TransactionStore::run_transaction).
#[derive(Debug)]
pub enum TransactionOutcome {
    /// The body's writes and the checkpoint that it returned are committed.
    Committed,
    /// The step had a checkpoint. The body's writes were rolled back, if it was run at all. After an error this may be
    /// the checkpoint of the earlier call.
    AlreadyRecorded(StepRecord),
    /// The workflow is not `PENDING` or belongs to another execution. Nothing was written.
    NotOwner,
    /// The body asked for it. Nothing was written.
    RolledBack(Failure),
}

/// Committing a user's own writes together with a checkpoint.
#[async_trait]
pub trait TransactionStore: Debug + Send + Sync + 'static {
    /// Opens a transaction, runs `body` in it, and commits the body's writes together with the checkpoint that it returns, for the
    /// owner of a `PENDING` workflow. Ownership and an existing checkpoint are judged before the body runs, so that it
    /// does not run in vain, and again by the commit.
    ///
    /// # Errors
    /// `Unsupported` from a store that has no transactions of the user's. `Contention` when the database asks to try
    /// again (a serialization failure, a deadlock), also when the body met that and returned it as its failure.
    //
    // The lifetime is spelled out because mockall cannot read an elided one here.
    async fn run_transaction<'a>(
        &self,
        step: StepRef,
        body: &'a DynBody<'a>,
    ) -> StoreResult<TransactionOutcome>;
}
