use std::collections::HashMap;

use durable_api::store::{ClaimedWorkflow, DamagedWorkflow, Payloads, StepRecord};

use super::{Claim, Loaded};
use crate::{
    error::Failure,
    record::{self, STEP_COLUMNS, workflow_columns},
};

impl Claim<'_> {
    /// Reads locked workflows with their checkpoints. One that cannot be read takes nothing from the others.
    pub(super) async fn load(&mut self, ids: Vec<String>) -> Result<Loaded, Failure> {
        let mut histories = self.histories(&ids).await?;
        let columns = workflow_columns(Payloads::Load);
        let sql =
            format!("SELECT {columns} FROM {{schema}}.workflows w WHERE w.id = ANY ($1::text[])");
        let rows = self.work.fetch(self.database.query(&sql).bind(ids)).await?;
        let mut sound = Vec::with_capacity(rows.len());
        let mut damaged = Vec::new();
        for row in &rows {
            let record = match record::workflow_or_damage(row, Payloads::Load)? {
                Ok(record) => record,
                Err(damage) => {
                    damaged.push(damage);
                    continue;
                }
            };
            match histories
                .remove(&record.id)
                .unwrap_or_else(|| Ok(Vec::new()))
            {
                Ok(history) => sound.push(ClaimedWorkflow::new(record, history)),
                Err(damage) => damaged.push(DamagedWorkflow::new(record.id, damage)),
            }
        }
        Ok((sound, damaged))
    }

    /// The checkpoints of each workflow that has some, or what is wrong with one of them.
    async fn histories(
        &mut self,
        ids: &[String],
    ) -> Result<HashMap<String, Result<Vec<StepRecord>, String>>, Failure> {
        let sql = format!(
            "SELECT {STEP_COLUMNS} FROM {{schema}}.steps s WHERE s.workflow_id = ANY ($1::text[]) \
             ORDER BY s.workflow_id, s.step_id"
        );
        let rows = self.work.fetch(self.database.query(&sql).bind(ids)).await?;
        record::histories(&rows)
    }
}
