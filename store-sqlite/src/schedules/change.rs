use durable_api::store::{PauseSchedule, ScheduleOutcome};
use sqlx::SqliteConnection;

use super::row::{find, replace};
use crate::{
    sql::{query, values},
    writer::{Quick, Trouble, Write},
};

impl Write for PauseSchedule {
    type Answer = ScheduleOutcome;

    const OPERATION: &'static str = "pause_schedule";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<ScheduleOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ScheduleOutcome, Trouble> {
        let Some(mut schedule) = find(connection, Self::OPERATION, &self.app, &self.name).await?
        else {
            return Ok(ScheduleOutcome::Unknown);
        };
        let last_tick = self.last_tick.unwrap_or(schedule.last_tick);
        schedule.last_tick = schedule.last_tick.max(last_tick);
        if schedule.paused == self.paused {
            query(
                "UPDATE schedules SET last_tick = ? WHERE app = ? AND name = ? AND last_tick <> ?",
                values![
                    schedule.last_tick,
                    self.app.as_str(),
                    self.name.as_str(),
                    schedule.last_tick,
                ],
            )
            .execute(connection)
            .await?;
        } else {
            schedule.paused = self.paused;
            replace(connection, &schedule).await?;
        }
        Ok(ScheduleOutcome::Done)
    }
}

/// A request to remove a schedule.
pub(super) struct DeleteSchedule {
    pub(super) app: String,
    pub(super) name: String,
}

impl Write for DeleteSchedule {
    type Answer = ScheduleOutcome;

    const OPERATION: &'static str = "delete_schedule";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<ScheduleOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ScheduleOutcome, Trouble> {
        let deleted = query(
            "DELETE FROM schedules WHERE app = ? AND name = ?",
            values![self.app.as_str(), self.name.as_str()],
        )
        .execute(connection)
        .await?;
        Ok(match deleted.rows_affected() {
            0 => ScheduleOutcome::Unknown,
            _ => ScheduleOutcome::Done,
        })
    }
}
