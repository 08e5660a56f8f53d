use durable_api::store::{SetAttributes, SetAttributesOutcome};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    attributes::{attributes_column, index_attributes},
    sql::{query, values},
    writer::{Quick, Trouble, Write},
};

impl Write for SetAttributes {
    type Answer = SetAttributesOutcome;

    const OPERATION: &'static str = "set_attributes";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<SetAttributesOutcome>> {
        None
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<SetAttributesOutcome, Trouble> {
        let row = query(
            "UPDATE workflows SET attributes = ?, updated_at = ? WHERE id = ? RETURNING seq",
            values![
                attributes_column(&self.attributes),
                self.now,
                self.workflow_id.as_str(),
            ],
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else {
            return Ok(SetAttributesOutcome::UnknownWorkflow);
        };
        index_attributes(connection, row.try_get("seq")?, &self.attributes).await?;
        Ok(SetAttributesOutcome::Set)
    }
}
