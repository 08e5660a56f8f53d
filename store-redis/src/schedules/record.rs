//! Schedules as they are stored. `scripts/schedules.lua` knows the fields.
use durable_api::{
    Payload, Timestamp,
    store::{ScheduleRecord, StoreResult},
};
use redis::Value;

use crate::{call::Call, error::check_texts, reply};

/// Adds a schedule: its name, what it says, whether it rests, and its last tick.
pub(super) fn add<'a>(call: Call<'a>, schedule: &'a ScheduleRecord) -> Call<'a> {
    call.arg(&schedule.name)
        .arg(&schedule.workflow)
        .arg(&schedule.cron)
        .arg(&schedule.timezone)
        .arg(schedule.input.encoding.as_bytes())
        .arg(&schedule.input.bytes)
        .arg(&schedule.queue)
        .text(u8::from(schedule.backfill))
        .text(u8::from(schedule.paused))
        .text(schedule.last_tick.as_millis())
}

/// A stored schedule; `None` when it is damaged.
pub(super) fn decode(app: &str, name: &str, value: Value) -> Option<ScheduleRecord> {
    let mut values = reply::array(value)?.into_iter();
    let paused = flag(values.next()?)?;
    let last_tick = Timestamp::from_millis(reply::text(values.next()?)?.parse().ok()?);
    let revision = reply::text(values.next()?)?.parse().ok()?;
    let mut next_text = || reply::text(values.next()?);
    let (workflow, cron, timezone) = (next_text()?, next_text()?, next_text()?);
    let encoding = next_text()?;
    let input = Payload::new(encoding, reply::bytes(values.next()?)?);
    let queue = reply::text(values.next()?)?;
    let mut schedule = ScheduleRecord::new(app, name, workflow, cron, input, queue, last_tick);
    schedule.timezone = timezone;
    schedule.backfill = flag(values.next()?)?;
    schedule.paused = paused;
    schedule.revision = revision;
    Some(schedule)
}

/// Refuses texts that not every backend could hold.
pub(super) fn check(operation: &'static str, schedule: &ScheduleRecord) -> StoreResult<()> {
    let ScheduleRecord {
        app,
        name,
        workflow,
        cron,
        timezone,
        queue,
        ..
    } = schedule;
    let texts = [app, name, workflow, cron, timezone, queue];
    check_texts(operation, texts.map(String::as_str))
}

fn flag(value: Value) -> Option<bool> {
    match reply::text(value)?.as_str() {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}
