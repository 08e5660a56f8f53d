use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{InsertWorkflow, StoreResult};
use crate::{Payload, Timestamp};

/// A schedule as it is stored. The store knows nothing of cron.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// The application.
    pub app: String,
    /// Its name, unique in the application.
    pub name: String,
    /// The registered name of the workflow.
    pub workflow: String,
    /// When: a cron expression.
    pub cron: String,
    /// Where that holds: a time zone's name.
    pub timezone: String,
    /// The input of each run.
    pub input: Payload,
    /// The queue in which each run waits for an executor.
    pub queue: String,
    /// Whether ticks that came while no executor ran are made up for.
    pub backfill: bool,
    /// Whether it rests.
    pub paused: bool,
    /// Everything up to and including this tick is done with.
    pub last_tick: Timestamp,
    /// Changes with everything but `last_tick`.
    pub revision: u64,
}

impl ScheduleRecord {
    /// A schedule in UTC, without backfill, whose ticks count from `now`.
    pub fn new(
        app: impl Into<String>,
        name: impl Into<String>,
        workflow: impl Into<String>,
        cron: impl Into<String>,
        input: Payload,
        queue: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            app: app.into(),
            name: name.into(),
            workflow: workflow.into(),
            cron: cron.into(),
            timezone: "UTC".to_owned(),
            input,
            queue: queue.into(),
            backfill: false,
            paused: false,
            last_tick: now,
            revision: 0,
        }
    }

    /// Whether both say the same, apart from what has come to pass (`paused`, `last_tick`, `revision`).
    pub fn says_the_same(&self, other: &Self) -> bool {
        let definition = |record: &Self| Self {
            paused: false,
            last_tick: Timestamp::from_millis(0),
            revision: 0,
            ..record.clone()
        };
        definition(self) == definition(other)
    }
}

/// Answer to [`create_schedule`](ScheduleStore::create_schedule).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateScheduleOutcome {
    /// It is there, by this call or an earlier one that [says the same](ScheduleRecord::says_the_same).
    Created,
    /// Another one has the name. Nothing was written.
    Exists(Box<ScheduleRecord>),
}

/// A request to pause a schedule, or to go on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PauseSchedule {
    /// The application.
    pub app: String,
    /// The schedule.
    pub name: String,
    /// Whether it shall rest.
    pub paused: bool,
    /// With which ticks it is done, if that changes. It only ever moves forward.
    pub last_tick: Option<Timestamp>,
}

impl PauseSchedule {
    /// A request that leaves the ticks alone.
    pub fn new(app: impl Into<String>, name: impl Into<String>, paused: bool) -> Self {
        Self {
            app: app.into(),
            name: name.into(),
            paused,
            last_tick: None,
        }
    }
}

/// Answer to a change of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleOutcome {
    /// It is so now.
    Done,
    /// There is no such schedule.
    Unknown,
}

/// A request to start the run of a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FireSchedule {
    /// The application.
    pub app: String,
    /// The schedule.
    pub name: String,
    /// The revision that the caller saw.
    pub revision: u64,
    /// The last tick that the caller saw.
    pub last_tick: Timestamp,
    /// The tick.
    pub tick: Timestamp,
    /// The run, which waits in a queue; `None` lets the tick pass.
    pub run: Option<InsertWorkflow>,
}

impl FireSchedule {
    /// A request about the tick after those that `schedule` is done with.
    pub fn new(schedule: &ScheduleRecord, tick: Timestamp, run: Option<InsertWorkflow>) -> Self {
        Self {
            app: schedule.app.clone(),
            name: schedule.name.clone(),
            revision: schedule.revision,
            last_tick: schedule.last_tick,
            tick,
            run,
        }
    }
}

/// Answer to [`fire_schedule`](ScheduleStore::fire_schedule).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FireOutcome {
    /// The schedule is done with the tick, and its run is accepted, by this call; a workflow that had the run's id is unchanged.
    Fired,
    /// The schedule is gone, rests, is not as the caller saw it, or is done with the tick; the tick may have been fired by another, or by an earlier
    /// call. Nothing was written.
    Stale,
}

/// Schedules.
#[async_trait]
pub trait ScheduleStore: Debug + Send + Sync + 'static {
    /// Stores a new schedule. Its `revision` is the store's to set.
    async fn create_schedule(&self, schedule: ScheduleRecord)
    -> StoreResult<CreateScheduleOutcome>;

    /// Stores schedules, new ones and in place of those that have their names, in one transaction. One that is there and says the same is unchanged; one
    /// that says something else gets a new revision and keeps whether it rests and its last tick, unless the new one's is later.
    async fn apply_schedules(&self, schedules: Vec<ScheduleRecord>) -> StoreResult<()>;

    /// Pauses a schedule, or goes on with it. A change gives it a new revision.
    async fn pause_schedule(&self, request: PauseSchedule) -> StoreResult<ScheduleOutcome>;

    /// Removes a schedule. Its runs stay.
    async fn delete_schedule(&self, app: &str, name: &str) -> StoreResult<ScheduleOutcome>;

    /// The schedules of an application, by name.
    async fn list_schedules(&self, app: &str) -> StoreResult<Vec<ScheduleRecord>>;

    /// Accepts the run of a tick and moves the schedule's last tick there, in one transaction, if the schedule is as the caller saw
    /// it, does not rest and is not done with the tick: the last tick only ever moves forward. Of several callers, one fires.
    async fn fire_schedule(&self, request: FireSchedule) -> StoreResult<FireOutcome>;
}
