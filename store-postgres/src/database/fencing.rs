use durable_api::store::Fence;

use super::{Database, Work};
use crate::{error::Failure, record::column, writes::execution};

/// What every write through a handle depends on: that an execution owns its workflow.
#[derive(Debug)]
pub(crate) struct Fencing {
    fence: Fence,
    /// Workflows that the write changes.
    changed: Vec<String>,
}

impl Fencing {
    /// The workflows that are named as changed are locked with the fence's, in one order, so that two executions that change each other's workflow do not
    /// deadlock.
    pub(crate) fn new(fence: Fence, mut changed: Vec<String>) -> Self {
        if !changed.is_empty() {
            changed.push(fence.workflow_id.clone());
        }
        Self { fence, changed }
    }

    /// Judges the fence, which then holds until the end of the transaction.
    pub(super) async fn judge(&self, database: &Database, work: &mut Work) -> Result<(), Failure> {
        if !self.changed.is_empty() {
            let lock = database
                .query(
                    "SELECT w.id FROM {schema}.workflows w WHERE w.id = ANY ($1::text[])
                     ORDER BY w.id FOR NO KEY UPDATE",
                )
                .bind(self.changed.clone());
            work.fetch(lock).await?;
        }
        let held = database
            .query(
                "SELECT w.status || '' = 'PENDING' AND w.owner_incarnation = $2
                        AND w.owner_execution = $3 AS held
                 FROM {schema}.workflows w WHERE w.id = $1 FOR SHARE",
            )
            .bind(self.fence.workflow_id.clone())
            .bind(self.fence.owner.incarnation.0)
            .bind(execution(self.fence.owner));
        let rows = work.fetch(held).await?;
        let held = rows.first().map(|row| column::<Option<bool>>(row, "held"));
        match held.transpose()?.flatten() {
            Some(true) => Ok(()),
            _ => Err(Failure::not_owner()),
        }
    }
}
