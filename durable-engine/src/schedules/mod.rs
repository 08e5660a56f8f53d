//! Schedules: cron expressions in the store, whose runs wait in queues.
mod ticks;
mod timetable;

use durable_api::{
    Error, INTERNAL_QUEUE, Timestamp,
    requests::{Backfill, Named, ScheduleRequest, StartWorkflow},
    store::{
        Change, CreateScheduleOutcome, Enqueue, Incarnation, InsertOutcome, InsertWorkflow, Owner,
        PauseSchedule, ScheduleOutcome, ScheduleRecord, ScheduleStore,
    },
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use crate::{engine::Engine, enqueue, names, outage::Patience, queues, run::Run, start::conflict};
use timetable::{Timetable, run_id};

pub(crate) use ticks::start;

/// How many ticks one backfill may have.
const MOST_TICKS: usize = 10_000;

/// Stores a new schedule.
pub(crate) async fn create(
    engine: &Engine,
    by: Option<&Run>,
    request: ScheduleRequest,
) -> Result<(), Error> {
    let schedule = prepare(engine, request).await?;
    let outcome = engine
        .change(by, Change::CreateSchedule(schedule.clone()))
        .await?;
    engine.schedules_changed.notify_one();
    match outcome {
        CreateScheduleOutcome::Created => Ok(()),
        CreateScheduleOutcome::Exists(_) => Err(Error::ScheduleExists {
            name: schedule.name,
        }),
    }
}

/// Stores schedules, also in place of others.
pub(crate) async fn apply(
    engine: &Engine,
    by: Option<&Run>,
    requests: Vec<ScheduleRequest>,
) -> Result<(), Error> {
    let mut schedules = Vec::new();
    for request in requests {
        schedules.push(prepare(engine, request).await?);
    }
    if schedules.iter().any(|schedule| schedule.backfill) {
        // What a changed one has missed is not passed over.
        for stored in list(engine).await? {
            let same = |schedule: &&mut ScheduleRecord| schedule.name == stored.name;
            if let Some(schedule) = schedules.iter_mut().find(same)
                && schedule.backfill
            {
                schedule.last_tick = stored.last_tick;
            }
        }
    }
    let () = engine.change(by, Change::ApplySchedules(schedules)).await?;
    engine.schedules_changed.notify_one();
    Ok(())
}

/// The record to store. What cannot be is refused here.
async fn prepare(engine: &Engine, request: ScheduleRequest) -> Result<ScheduleRecord, Error> {
    let name = request.name;
    names::check("schedule name", &name)?;
    let now = engine.now();
    let timetable = Timetable::new(&name, &request.cron, &request.timezone)?;
    if timetable.after(now).is_none() {
        return Err(Error::InvalidSchedule {
            name,
            reason: format!("`{}` never comes", request.cron),
        });
    }
    let queue = request.queue.unwrap_or_else(|| INTERNAL_QUEUE.to_owned());
    queues::check_known(engine, &engine.config.app, &queue).await?;
    let mut start = StartWorkflow::named(request.workflow, request.input);
    start.function = request.function;
    let (workflow, input) = enqueue::seal_input(engine, start, &format!("schedule `{name}`"))?;
    let app = &engine.config.app;
    let mut schedule = ScheduleRecord::new(app, name, workflow, request.cron, input, queue, now);
    schedule.timezone = request.timezone;
    schedule.backfill = request.backfill;
    Ok(schedule)
}

pub(crate) async fn list(engine: &Engine) -> Result<Vec<ScheduleRecord>, Error> {
    let store: &dyn ScheduleStore = engine.store();
    engine
        .persist("list_schedules", Patience::Transient, || {
            store.list_schedules(&engine.config.app)
        })
        .await
}

async fn find(engine: &Engine, name: &str) -> Result<ScheduleRecord, Error> {
    let schedules = list(engine).await?;
    schedules
        .into_iter()
        .find(|schedule| schedule.name == name)
        .ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    Error::UnknownSchedule {
        name: name.to_owned(),
    }
}

/// Pauses a schedule, or goes on with it.
pub(crate) async fn pause(
    engine: &Engine,
    by: Option<&Run>,
    name: &str,
    paused: bool,
) -> Result<(), Error> {
    let mut request = PauseSchedule::new(&engine.config.app, name, paused);
    if !paused {
        let schedule = find(engine, name).await?;
        if schedule.paused && !schedule.backfill {
            request.last_tick = Some(engine.now());
        }
    }
    let outcome = engine.change(by, Change::PauseSchedule(request)).await?;
    engine.schedules_changed.notify_one();
    done(name, outcome)
}

pub(crate) async fn delete(engine: &Engine, by: Option<&Run>, name: &str) -> Result<(), Error> {
    let outcome = engine
        .change(
            by,
            Change::DeleteSchedule {
                app: engine.config.app.clone(),
                name: name.to_owned(),
            },
        )
        .await?;
    done(name, outcome)
}

fn done(name: &str, outcome: ScheduleOutcome) -> Result<(), Error> {
    match outcome {
        ScheduleOutcome::Done => Ok(()),
        ScheduleOutcome::Unknown => Err(unknown(name)),
    }
}

/// Starts a run now, and returns its id. The repetition of a workflow that asks finds the same run.
pub(crate) async fn trigger(
    engine: &Engine,
    by: Option<&Run>,
    request: &Named,
) -> Result<String, Error> {
    let schedule = find(engine, &request.name).await?;
    let id = match (by, request.step_id) {
        (Some(run), Some(step_id)) => format!("{}-{step_id}", run.workflow_id()),
        _ => format!(
            "sched-{}-trigger-{}",
            schedule.name,
            engine.config.ids.next_id()
        ),
    };
    start_run(engine, by, &schedule, id).await
}

/// Starts the runs of past ticks, and returns their ids.
pub(crate) async fn backfill(
    engine: &Engine,
    by: Option<&Run>,
    request: &Backfill,
) -> Result<Vec<String>, Error> {
    let schedule = find(engine, &request.name).await?;
    let timetable = Timetable::of(&schedule)?;
    let mut ids = Vec::new();
    let mut instant = Timestamp::from_millis(request.from.as_millis().saturating_sub(1));
    while let Some(tick) = timetable
        .after(instant)
        .filter(|tick| *tick < request.before)
    {
        if ids.len() == MOST_TICKS {
            return Err(Error::InvalidSchedule {
                name: schedule.name,
                reason: format!("more than {MOST_TICKS} ticks lie between these times"),
            });
        }
        ids.push(run_id(&schedule.name, tick));
        instant = tick;
    }
    let schedule = &schedule;
    stream::iter(ids)
        .map(|id| start_run(engine, by, schedule, id))
        .buffered(64)
        .try_collect()
        .await
}

async fn start_run(
    engine: &Engine,
    by: Option<&Run>,
    schedule: &ScheduleRecord,
    id: String,
) -> Result<String, Error> {
    names::check_derived("workflow id", &id)?;
    let run = run_of(engine, schedule, id);
    let outcome: Box<InsertOutcome> = engine
        .change(by, Change::InsertWorkflow(Box::new(run.clone())))
        .await?;
    match *outcome {
        InsertOutcome::Conflict(record) => Err(conflict(record)),
        _ => Ok(run.id),
    }
}

/// A run of a schedule. It belongs to no version, so that the executors of the latest one take it.
fn run_of(engine: &Engine, schedule: &ScheduleRecord, id: String) -> InsertWorkflow {
    let nobody = Owner::new(Incarnation(Uuid::nil()), 0);
    let mut run = InsertWorkflow::new(
        id,
        &schedule.app,
        &schedule.workflow,
        schedule.input.clone(),
        nobody,
        engine.now(),
    );
    run.enqueue = Some(Enqueue::new(&schedule.queue));
    run.schedule = Some(schedule.name.clone());
    run
}
