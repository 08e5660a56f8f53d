use std::path::Path;

use async_trait::async_trait;
use durable_api::store::{RecordStep, StepRecord, StepRef};
use sqlx::SqliteConnection;

use super::{
    OPERATION,
    ledger::{Ledger, Standing},
};
use crate::{
    effects,
    sql::query,
    steps::{RECORD, check, record_values},
    writer::Trouble,
};

/// The checkpoints of the store.
pub(super) struct Checkpoints<'a> {
    pub(super) path: &'a Path,
}

#[async_trait]
impl Ledger for Checkpoints<'_> {
    fn path(&self) -> &Path {
        self.path
    }

    async fn judge(
        &self,
        connection: &mut SqliteConnection,
        step: &StepRef,
    ) -> Result<Standing, Trouble> {
        Ok(match effects::judge(connection, OPERATION, step).await? {
            effects::Standing::Clear(_) => Standing::Clear,
            effects::Standing::Recorded(record) => Standing::Recorded(record),
            effects::Standing::NotOwner => Standing::NotOwner,
        })
    }

    async fn seal(
        &self,
        connection: &mut SqliteConnection,
        step: &StepRef,
        record: StepRecord,
    ) -> Result<bool, Trouble> {
        let request = RecordStep::new(&step.workflow_id, step.owner, record);
        check(OPERATION, &request)?;
        let recorded = query(RECORD, record_values(&request))
            .execute(connection)
            .await?;
        Ok(recorded.rows_affected() == 1)
    }
}
