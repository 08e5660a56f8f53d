use durable_api::store::{CreateScheduleOutcome, ScheduleRecord};
use sqlx::SqliteConnection;

use super::row::{find, replace};
use crate::writer::{Quick, Trouble, Write};

/// A request to store a new schedule.
pub(super) struct CreateSchedule(pub(super) ScheduleRecord);

impl Write for CreateSchedule {
    type Answer = CreateScheduleOutcome;

    const OPERATION: &'static str = "create_schedule";

    fn size(&self) -> usize {
        self.0.input.bytes.len()
    }

    fn quick(&self) -> Option<Quick<CreateScheduleOutcome>> {
        None
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<CreateScheduleOutcome, Trouble> {
        let Self(new) = self;
        let found = find(connection, Self::OPERATION, &new.app, &new.name).await?;
        Ok(match found {
            Some(known) if !known.says_the_same(new) => {
                CreateScheduleOutcome::Exists(Box::new(known))
            }
            Some(_) => CreateScheduleOutcome::Created,
            None => {
                replace(connection, new).await?;
                CreateScheduleOutcome::Created
            }
        })
    }
}

/// A request to store schedules, new ones and in place of others.
pub(super) struct ApplySchedules(pub(super) Vec<ScheduleRecord>);

impl Write for ApplySchedules {
    type Answer = ();

    const OPERATION: &'static str = "apply_schedules";

    fn size(&self) -> usize {
        self.0.iter().map(|one| one.input.bytes.len()).sum()
    }

    fn quick(&self) -> Option<Quick<()>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), Trouble> {
        // A damaged row fails all of them, which must be known before the first one is written.
        for new in &self.0 {
            find(connection, Self::OPERATION, &new.app, &new.name).await?;
        }
        for new in &self.0 {
            let mut new = new.clone();
            let found = find(connection, Self::OPERATION, &new.app, &new.name).await?;
            if let Some(known) = found {
                if known.says_the_same(&new) {
                    continue;
                }
                new.paused = known.paused;
                new.last_tick = new.last_tick.max(known.last_tick);
            }
            replace(connection, &new).await?;
        }
        Ok(())
    }
}
