use std::path::Path;

use async_trait::async_trait;
use durable_api::store::{StepRecord, StepRef};
use sqlx::SqliteConnection;

use crate::writer::Trouble;

/// What a step's outcome is written to, in the transaction of its body. Nothing but the body can change what is judged between the
/// beginning and the commit, because SQLite has one writer.
#[async_trait]
pub(super) trait Ledger: Sync {
    /// The file.
    fn path(&self) -> &Path;

    /// Judges the step, in the transaction.
    async fn judge(
        &self,
        connection: &mut SqliteConnection,
        step: &StepRef,
    ) -> Result<Standing, Trouble>;

    /// Writes the outcome of a step that is still clear. `false`: it is not, and nothing was written.
    async fn seal(
        &self,
        connection: &mut SqliteConnection,
        step: &StepRef,
        record: StepRecord,
    ) -> Result<bool, Trouble>;
}

/// How a step stands.
#[derive(Debug)]
pub(super) enum Standing {
    Clear,
    Recorded(StepRecord),
    NotOwner,
}
