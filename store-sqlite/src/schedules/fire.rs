use durable_api::store::{FireOutcome, FireSchedule};
use sqlx::SqliteConnection;

use super::row::find;
use crate::{
    sql::{query, values},
    workflows::insert::accept,
    writer::{Hints, Quick, Trouble, Write},
};

impl Write for FireSchedule {
    type Answer = FireOutcome;

    const OPERATION: &'static str = "fire_schedule";

    fn size(&self) -> usize {
        self.run.as_ref().map_or(0, |run| run.input.bytes.len())
    }

    fn quick(&self) -> Option<Quick<FireOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<FireOutcome, Trouble> {
        let schedule = find(connection, Self::OPERATION, &self.app, &self.name).await?;
        let as_seen = schedule.is_some_and(|schedule| {
            !schedule.paused
                && schedule.revision == self.revision
                && schedule.last_tick == self.last_tick
                && self.tick > schedule.last_tick
        });
        if !as_seen {
            return Ok(FireOutcome::Stale);
        }
        // Whatever became of the run, it is the tick's. First, because it fails before it writes.
        if let Some(run) = &self.run {
            accept(connection, run).await?;
        }
        query(
            "UPDATE schedules SET last_tick = ? WHERE app = ? AND name = ?",
            values![self.tick, self.app.as_str(), self.name.as_str()],
        )
        .execute(connection)
        .await?;
        Ok(FireOutcome::Fired)
    }

    fn wake(&self, answer: &FireOutcome, hints: &mut Hints) {
        if *answer == FireOutcome::Fired && self.run.is_some() {
            hints.enqueued();
        }
    }
}
