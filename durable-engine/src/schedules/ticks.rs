//! Starts the runs of schedules when they are due.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use durable_api::{
    Error, Timestamp,
    store::{FireOutcome, FireSchedule, ScheduleRecord, ScheduleStore},
};

use super::{
    list, run_of,
    timetable::{Timetable, run_id},
};
use crate::{engine::Engine, observe, outage::Patience};

/// A tick that is missed by less is made up for, whether the schedule has backfill or not.
const GRACE: Duration = Duration::from_secs(60);

/// At most so many ticks of a schedule in one round, so that one that has much to make up for does not hold up others.
const BITE: usize = 100;

/// Starts the loop.
pub(crate) fn start(engine: &Arc<Engine>) {
    engine.spawn_loop(run(Arc::downgrade(engine)));
}

async fn run(weak: Weak<Engine>) {
    let Some(horizon) = weak.upgrade().map(|engine| {
        let millis = i64::try_from(GRACE.as_millis()).unwrap_or(0);
        Timestamp::from_millis(engine.now().as_millis().saturating_sub(millis))
    }) else {
        return;
    };
    loop {
        let Some(engine) = weak.upgrade() else { return };
        let next = match fire_due(&engine, horizon).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "looking after the schedules failed");
                None
            }
        };
        let look = engine.config.schedule_interval;
        let due = next.map(|next| next.saturating_duration_since(engine.now()));
        let pause = engine.clock().pause(look, due);
        tokio::select! {
            biased;
            () = pause => {}
            () = engine.schedules_changed.notified() => {}
        }
    }
}

/// Starts what is due, and returns when the next tick is.
async fn fire_due(engine: &Engine, horizon: Timestamp) -> Result<Option<Timestamp>, Error> {
    let mut next = None;
    for schedule in list(engine).await? {
        if schedule.paused {
            continue;
        }
        let name = schedule.name.clone();
        match fire_one(engine, schedule, horizon).await {
            Ok(found) => next = next.into_iter().chain(found).min(),
            // One that cannot be fired does not keep the others waiting.
            Err(error) => tracing::error!(schedule = name, %error, "the schedule is not fired"),
        }
    }
    Ok(next)
}

/// Starts what is due of one schedule, and returns when its next tick is.
async fn fire_one(
    engine: &Engine,
    mut schedule: ScheduleRecord,
    horizon: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let timetable = Timetable::of(&schedule)?;
    let store: &dyn ScheduleStore = engine.store();
    for _ in 0..BITE {
        let Some(tick) = timetable.after(schedule.last_tick) else {
            return Ok(None);
        };
        let now = engine.now();
        if tick > now {
            return Ok(Some(tick));
        }
        // What nobody was there for passes all at once.
        let missed = !schedule.backfill && tick < horizon;
        let fire = if missed {
            FireSchedule::new(&schedule, horizon, None)
        } else {
            let run = run_of(engine, &schedule, run_id(&schedule.name, tick));
            FireSchedule::new(&schedule, tick, Some(run))
        };
        let outcome = engine
            .persist("fire_schedule", Patience::Transient, || {
                store.fire_schedule(fire.clone())
            })
            .await?;
        if outcome == FireOutcome::Stale {
            // Another process was faster, or the schedule changed: look again at once.
            return Ok(Some(now));
        }
        if missed {
            tracing::warn!(
                schedule = schedule.name,
                "ticks were missed while no process ran, and the schedule has no backfill"
            );
        } else {
            observe::schedule_fired(&schedule.name);
        }
        schedule.last_tick = fire.tick;
    }
    Ok(Some(engine.now()))
}
