mod record;

use async_trait::async_trait;
use durable_api::store::{
    CreateScheduleOutcome, FireOutcome, FireSchedule, PauseSchedule, ScheduleOutcome,
    ScheduleRecord, ScheduleStore, StoreResult,
};
use redis::Value;

use crate::{
    RedisStore,
    call::Call,
    error::{corrupt, invalid, malformed},
    management::bulk::answered,
    reply,
    script::{
        APPLY_SCHEDULES, CREATE_SCHEDULE, DELETE_SCHEDULE, FIRE_SCHEDULE, LIST_SCHEDULES,
        PAUSE_SCHEDULE,
    },
    workflows::enqueue::add_request,
};

#[async_trait]
impl ScheduleStore for RedisStore {
    async fn create_schedule(
        &self,
        schedule: ScheduleRecord,
    ) -> StoreResult<CreateScheduleOutcome> {
        const OPERATION: &str = "create_schedule";
        record::check(OPERATION, &schedule)?;
        let (app, name) = (&schedule.app, &schedule.name);
        let call = Call::new(
            &CREATE_SCHEDULE,
            OPERATION,
            [self.keys().schedule(app, name)],
        )
        .arg(self.keys().base())
        .arg(app);
        let value = self.change(record::add(call, &schedule)).await?;
        let (answer, mut values) = schedule_answer(OPERATION, app, name, value)?;
        match answer.as_str() {
            "created" => Ok(CreateScheduleOutcome::Created),
            "exists" => record::decode(app, name, values.next().unwrap_or_default())
                .map(|found| CreateScheduleOutcome::Exists(Box::new(found)))
                .ok_or_else(|| damaged(OPERATION, app, name)),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()> {
        const OPERATION: &str = "apply_schedules";
        let keys = self.keys();
        let mut call =
            Call::new(&APPLY_SCHEDULES, OPERATION, [keys.schedule_revision()]).arg(keys.base());
        for schedule in &schedules {
            record::check(OPERATION, schedule)?;
            call = record::add(call.arg(&schedule.app), schedule);
        }
        let value = self.change(call).await?;
        match reply::answer(value) {
            Some((answer, _)) if answer == "applied" => Ok(()),
            Some((answer, values)) if answer == "damaged_schedule" => {
                let name = values.last().and_then(reply::text).unwrap_or_default();
                let found = schedules.iter().find(|schedule| schedule.name == name);
                let app = found.map_or("", |schedule| schedule.app.as_str());
                Err(damaged(OPERATION, app, &name))
            }
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }

    async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome> {
        const OPERATION: &str = "pause_schedule";
        let (app, name) = (&request.app, &request.name);
        let last_tick = request.last_tick.map(|tick| tick.as_millis().to_string());
        let call = Call::new(
            &PAUSE_SCHEDULE,
            OPERATION,
            [self.keys().schedule(app, name)],
        )
        .arg(self.keys().base())
        .text(u8::from(request.paused))
        .text(last_tick.unwrap_or_default());
        let value = self.change(call).await?;
        outcome(OPERATION, app, name, value)
    }

    async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome> {
        const OPERATION: &str = "delete_schedule";
        let keys = [self.keys().schedule(app, name), self.keys().schedules(app)];
        let call = Call::new(&DELETE_SCHEDULE, OPERATION, keys).arg(name);
        let value = self.change(call).await?;
        outcome(OPERATION, app, name, value)
    }

    /// # Errors
    /// `Corrupt`, naming the schedule, when one cannot be read.
    async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>> {
        const OPERATION: &str = "list_schedules";
        let value = Call::new(&LIST_SCHEDULES, OPERATION, [self.keys().schedules(app)])
            .arg(self.keys().base())
            .arg(app)
            .read(self.link())
            .await?;
        let unreadable = || malformed(OPERATION, "the answer");
        let mut schedules = Vec::new();
        for value in reply::array(value).ok_or_else(unreadable)? {
            let mut pair = reply::array(value).ok_or_else(unreadable)?.into_iter();
            let name = pair.next().and_then(reply::text).ok_or_else(unreadable)?;
            let row = pair.next().unwrap_or_default();
            let schedule = record::decode(app, &name, row);
            schedules.push(schedule.ok_or_else(|| damaged(OPERATION, app, &name))?);
        }
        schedules.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(schedules)
    }

    async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome> {
        const OPERATION: &str = "fire_schedule";
        let (app, name) = (&request.app, &request.name);
        let call = Call::new(&FIRE_SCHEDULE, OPERATION, [self.keys().schedule(app, name)])
            .arg(self.keys().base())
            .text(request.revision)
            .text(request.last_tick.as_millis())
            .text(request.tick.as_millis());
        let call = match &request.run {
            Some(run) if run.parent.is_some() => {
                return Err(invalid(OPERATION, "the run of a schedule has a parent"));
            }
            Some(run) => add_request(OPERATION, call, run)?,
            None => call,
        };
        let value = call.write(self.link()).await?;
        let (answer, _) = schedule_answer(OPERATION, app, name, value)?;
        match answer.as_str() {
            "fired" => Ok(FireOutcome::Fired),
            "stale" => Ok(FireOutcome::Stale),
            _ => Err(malformed(OPERATION, "the answer")),
        }
    }
}

fn outcome(
    operation: &'static str,
    app: &str,
    name: &str,
    value: Value,
) -> StoreResult<ScheduleOutcome> {
    let (answer, _) = schedule_answer(operation, app, name, value)?;
    match answer.as_str() {
        "done" => Ok(ScheduleOutcome::Done),
        "unknown" => Ok(ScheduleOutcome::Unknown),
        _ => Err(malformed(operation, "the answer")),
    }
}

/// A script's answer about a schedule; an error, if it says that the schedule is damaged, or a workflow.
fn schedule_answer(
    operation: &'static str,
    app: &str,
    name: &str,
    value: Value,
) -> StoreResult<(String, std::vec::IntoIter<Value>)> {
    let (answer, values) = answered(operation, value)?;
    match answer.as_str() {
        "damaged_schedule" => Err(damaged(operation, app, name)),
        _ => Ok((answer, values)),
    }
}

fn damaged(operation: &'static str, app: &str, name: &str) -> durable_api::store::StoreError {
    corrupt(
        operation,
        format!(
            "schedule `{name}` of application `{app}` cannot be read; delete it and make it anew"
        ),
    )
}
