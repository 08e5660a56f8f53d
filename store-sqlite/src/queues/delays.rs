use durable_api::{
    WorkflowStatus,
    store::{ReleaseDelayed, ReleaseOutcome, SetDelay, SetDelayOutcome},
};
use sqlx::SqliteConnection;

use crate::{
    record::{corrupt, time},
    sql::{query, values},
    workflows::find,
    writer::{Hints, Quick, Trouble, Write},
};

/// When the next delayed workflow of an application is due.
pub(super) const NEXT: &str = "SELECT ifnull(delayed_until, 0) AS next FROM workflows \
    WHERE status = 'DELAYED' AND app = ? ORDER BY delayed_until LIMIT 1";

impl Write for ReleaseDelayed {
    type Answer = ReleaseOutcome;

    const OPERATION: &'static str = "release_delayed";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<ReleaseOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ReleaseOutcome, Trouble> {
        let released = query(
            "UPDATE workflows SET status = 'ENQUEUED', updated_at = ? WHERE seq IN ( \
                 SELECT seq FROM workflows WHERE status = 'DELAYED' AND app = ? \
                 AND (delayed_until <= ? OR delayed_until IS NULL) \
                 ORDER BY delayed_until, id LIMIT ?)",
            values![self.now, self.app.as_str(), self.now, self.limit],
        )
        .execute(&mut *connection)
        .await?
        .rows_affected();
        let row = query(NEXT, values![self.app.as_str()])
            .fetch_optional(connection)
            .await?;
        // A column of integers holds nothing else.
        let next = row.and_then(|row| time(&row, "next").ok());
        let released = u32::try_from(released).unwrap_or(u32::MAX);
        Ok(ReleaseOutcome::new(released, next))
    }

    fn wake(&self, answer: &ReleaseOutcome, hints: &mut Hints) {
        if answer.released > 0 {
            hints.enqueued();
        }
    }
}

impl Write for SetDelay {
    type Answer = SetDelayOutcome;

    const OPERATION: &'static str = "set_delay";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<SetDelayOutcome>> {
        Some(Quick {
            sql: "UPDATE workflows SET delayed_until = ?, updated_at = ? WHERE id = ? AND status = 'DELAYED'",
            values: values![self.until, self.now, self.workflow_id.as_str()],
            done: SetDelayOutcome::Set,
        })
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<SetDelayOutcome, Trouble> {
        let found = find(connection, &self.workflow_id)
            .await?
            .transpose()
            .map_err(|damaged| corrupt(Self::OPERATION, &damaged))?;
        Ok(match found {
            None => SetDelayOutcome::UnknownWorkflow,
            Some(row) if row.status != WorkflowStatus::Delayed => {
                SetDelayOutcome::NotDelayed(row.status)
            }
            Some(_) => {
                query(
                    "UPDATE workflows SET delayed_until = ?, updated_at = ? WHERE id = ?",
                    values![self.until, self.now, self.workflow_id.as_str()],
                )
                .execute(connection)
                .await?;
                SetDelayOutcome::Set
            }
        })
    }

    fn wake(&self, answer: &SetDelayOutcome, hints: &mut Hints) {
        if *answer == SetDelayOutcome::Set {
            hints.enqueued();
        }
    }
}
