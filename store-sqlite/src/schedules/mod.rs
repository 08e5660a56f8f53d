mod change;
mod create;
mod fire;
mod row;

use async_trait::async_trait;
use durable_api::store::{
    CreateScheduleOutcome, FireOutcome, FireSchedule, PauseSchedule, ScheduleOutcome,
    ScheduleRecord, ScheduleStore, StoreError, StoreErrorKind, StoreResult,
};

use crate::{SqliteStore, error::check_texts, sql::values, workflows::insert, writer::Write as _};
use change::DeleteSchedule;
use create::{ApplySchedules, CreateSchedule};

#[async_trait]
impl ScheduleStore for SqliteStore {
    async fn create_schedule(
        &self,
        schedule: ScheduleRecord,
    ) -> StoreResult<CreateScheduleOutcome> {
        check(CreateSchedule::OPERATION, &schedule)?;
        self.change(CreateSchedule(schedule)).await
    }

    async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()> {
        for schedule in &schedules {
            check(ApplySchedules::OPERATION, schedule)?;
        }
        self.change(ApplySchedules(schedules)).await
    }

    async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome> {
        self.change(request).await
    }

    async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome> {
        self.change(DeleteSchedule {
            app: app.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>> {
        let rows = self
            .readers
            .fetch_all("list_schedules", row::LIST, values![app])
            .await?;
        let mut schedules = Vec::with_capacity(rows.len());
        for row in &rows {
            match row::schedule(row) {
                Ok(schedule) => schedules.push(schedule),
                // One that cannot be read takes nothing from the others.
                Err(reason) => tracing::error!(app, %reason, "a schedule is damaged"),
            }
        }
        Ok(schedules)
    }

    async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome> {
        if let Some(run) = &request.run {
            insert::check(FireSchedule::OPERATION, run)?;
            if run.enqueue.is_none() || run.parent.is_some() {
                return Err(
                    StoreError::new(StoreErrorKind::Invalid, FireSchedule::OPERATION).with_message(
                        format!(
                            "workflow `{}`: the run of a schedule waits in a queue, and has no parent",
                            run.id
                        ),
                    ),
                );
            }
        }
        self.write(request).await
    }
}

/// Refuses a schedule that cannot be stored.
fn check(operation: &'static str, schedule: &ScheduleRecord) -> StoreResult<()> {
    check_texts(
        operation,
        [
            schedule.app.as_str(),
            &schedule.name,
            &schedule.workflow,
            &schedule.cron,
            &schedule.timezone,
            &schedule.input.encoding,
            &schedule.queue,
        ],
    )
}
