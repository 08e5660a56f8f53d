use async_trait::async_trait;
use durable_api::store::{StepRecord, StepRef};
use sqlx::PgConnection;

use crate::error::Failure;

/// What a step's outcome is written to, in the transaction of its body.
#[async_trait]
pub(super) trait Ledger: Sync {
    /// Judges the step before its body runs, by a statement of its own.
    async fn judge(&self, step: &StepRef) -> Result<Standing, Failure>;

    /// Writes the outcome, as the last statement before the commit. It writes nothing unless `durable.transaction` is
    /// still set to `marker`.
    async fn seal(
        &self,
        connection: &mut PgConnection,
        marker: &str,
        step: &StepRef,
        record: &StepRecord,
    ) -> Result<Sealed, Failure>;
}

/// How a step stands before its body runs.
#[derive(Debug)]
pub(super) enum Standing {
    Clear,
    Recorded(StepRecord),
    NotOwner,
}

/// What became of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    Written,
    /// The step has an outcome.
    Taken,
    NotOwner,
    /// This is not the transaction that the body was given.
    Gone,
}
