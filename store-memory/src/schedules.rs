use async_trait::async_trait;
use durable_api::store::{
    CreateScheduleOutcome, FireOutcome, FireSchedule, PauseSchedule, ScheduleOutcome,
    ScheduleRecord, ScheduleStore, StoreResult, Wakeup,
};

use crate::{
    MemoryStore,
    error::check_texts,
    insert::{check_insertion, insert},
    tables::Tables,
};

#[async_trait]
impl ScheduleStore for MemoryStore {
    async fn create_schedule(
        &self,
        schedule: ScheduleRecord,
    ) -> StoreResult<CreateScheduleOutcome> {
        check_schedule("create_schedule", &schedule)?;
        let mut tables = self.tables_for("create_schedule")?;
        if let Some(existing) = tables.schedules.get(&key(&schedule)) {
            return Ok(if existing.says_the_same(&schedule) {
                CreateScheduleOutcome::Created
            } else {
                CreateScheduleOutcome::Exists(Box::new(existing.clone()))
            });
        }
        put(&mut tables, schedule);
        Ok(CreateScheduleOutcome::Created)
    }

    async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()> {
        for schedule in &schedules {
            check_schedule("apply_schedules", schedule)?;
        }
        let mut tables = self.tables_for("apply_schedules")?;
        for mut schedule in schedules {
            if let Some(existing) = tables.schedules.get(&key(&schedule)) {
                if existing.says_the_same(&schedule) {
                    continue;
                }
                schedule.paused = existing.paused;
                schedule.last_tick = schedule.last_tick.max(existing.last_tick);
            }
            put(&mut tables, schedule);
        }
        Ok(())
    }

    async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome> {
        Ok(pause(&mut *self.tables_for("pause_schedule")?, request))
    }

    async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome> {
        let key = (app.to_owned(), name.to_owned());
        Ok(
            match self.tables_for("delete_schedule")?.schedules.remove(&key) {
                Some(_) => ScheduleOutcome::Done,
                None => ScheduleOutcome::Unknown,
            },
        )
    }

    async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>> {
        let tables = self.shared_tables();
        let schedules = tables.schedules.values();
        Ok(schedules
            .filter(|schedule| schedule.app == app)
            .cloned()
            .collect())
    }

    async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome> {
        if let Some(run) = &request.run {
            check_insertion("fire_schedule", run)?;
        }
        let runs = request.run.is_some();
        let outcome = fire(&mut self.tables(), request);
        self.hint((runs && outcome == FireOutcome::Fired).then_some(Wakeup::Enqueued));
        Ok(outcome)
    }
}

fn check_schedule(operation: &'static str, schedule: &ScheduleRecord) -> StoreResult<()> {
    let texts = [
        &schedule.app,
        &schedule.name,
        &schedule.workflow,
        &schedule.cron,
        &schedule.timezone,
        &schedule.queue,
    ];
    check_texts(operation, texts.map(String::as_str))
}

fn key(schedule: &ScheduleRecord) -> (String, String) {
    (schedule.app.clone(), schedule.name.clone())
}

fn put(tables: &mut Tables, mut schedule: ScheduleRecord) {
    tables.last_revision += 1;
    schedule.revision = tables.last_revision;
    tables.schedules.insert(key(&schedule), schedule);
}

fn pause(tables: &mut Tables, request: PauseSchedule) -> ScheduleOutcome {
    let next_revision = tables.last_revision + 1;
    let Some(schedule) = tables.schedules.get_mut(&(request.app, request.name)) else {
        return ScheduleOutcome::Unknown;
    };
    if let Some(tick) = request.last_tick {
        schedule.last_tick = schedule.last_tick.max(tick);
    }
    if schedule.paused != request.paused {
        schedule.paused = request.paused;
        schedule.revision = next_revision;
        tables.last_revision = next_revision;
    }
    ScheduleOutcome::Done
}

fn fire(tables: &mut Tables, request: FireSchedule) -> FireOutcome {
    let key = (request.app, request.name);
    let Some(schedule) = tables.schedules.get_mut(&key).filter(|schedule| {
        !schedule.paused
            && (schedule.revision, schedule.last_tick) == (request.revision, request.last_tick)
            && schedule.last_tick < request.tick
    }) else {
        return FireOutcome::Stale;
    };
    schedule.last_tick = request.tick;
    if let Some(run) = request.run {
        // A workflow that has the run's id already is as good as the run.
        insert(tables, run);
    }
    FireOutcome::Fired
}
