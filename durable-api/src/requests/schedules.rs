use crate::{FunctionId, Value};

/// A schedule to be stored.
#[derive(Debug)]
#[non_exhaustive]
pub struct ScheduleRequest {
    /// Its name.
    pub name: String,
    /// When: a cron expression of five fields, or of six, the first being seconds.
    pub cron: String,
    /// Where that holds: an IANA time zone.
    pub timezone: String,
    /// The function's path, or the name that was given in its stead.
    pub workflow: String,
    /// The function; `None` if a name was given.
    pub function: Option<FunctionId>,
    /// The input of each run.
    pub input: Value,
    /// The queue of its runs; one of the library's own without limits, if `None`.
    pub queue: Option<String>,
    /// Whether missed ticks are made up for.
    pub backfill: bool,
}

/// A request to store schedules.
#[derive(Debug)]
#[non_exhaustive]
pub struct StoreSchedules {
    /// Which.
    pub schedules: Vec<ScheduleRequest>,
    /// The caller's step, if the caller is a workflow.
    pub step_id: Option<u32>,
}

impl StoreSchedules {
    /// A request.
    pub fn new(schedules: Vec<ScheduleRequest>, step_id: Option<u32>) -> Self {
        Self { schedules, step_id }
    }
}
