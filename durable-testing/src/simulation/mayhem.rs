//! What happens to executors and to the store, by the seed.
use std::{sync::Arc, time::Duration};

use super::{fleet::Fleet, weather::Break};

/// One thing after another, until there shall be peace.
pub(super) async fn rage(fleet: Arc<Fleet>, until: Duration) {
    let stage = Arc::clone(&fleet.stage);
    let longest = stage.draw(|random| [500, 2_000, 6_000][random.usize(..3)]);
    let end = u64::try_from(until.as_micros()).unwrap_or(u64::MAX);
    while stage.timeline.now() < end {
        let pause = stage.millis(10..longest);
        stage.sleep(pause).await;
        let place = stage.draw(|random| random.usize(..fleet.size()));
        match stage.draw(|random| random.u8(..12)) {
            0..=2 => kill(&fleet, place),
            3 | 4 => spawn(stand_still(Arc::clone(&fleet), place, false)),
            5 => spawn(stand_still(Arc::clone(&fleet), place, true)),
            6 | 7 => spawn(part(Arc::clone(&fleet), place)),
            8 => spawn(leave(Arc::clone(&fleet), place)),
            9 | 10 => set_clock(&fleet, place),
            _ => outage(&fleet).await,
        }
    }
}

fn spawn(deed: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(deed);
}

/// Sometimes short, sometimes longer than the lease.
fn a_while(fleet: &Fleet) -> Duration {
    let lease = u64::try_from(fleet.lease().as_millis()).unwrap_or(u64::MAX);
    fleet.stage.millis(10..lease * 3)
}

fn kill(fleet: &Fleet, place: usize) {
    if let Some(life) = fleet.life(place) {
        life.host.kill();
    }
}

/// A process stands still, and goes on. One that is left behind finds another in its place.
async fn stand_still(fleet: Arc<Fleet>, place: usize, leave_behind: bool) {
    let Some(life) = fleet.life(place).filter(|life| !life.still) else {
        return;
    };
    fleet.set_still(place, true);
    life.host.stand_still();
    if leave_behind {
        life.host.left.cancel();
    }
    fleet.stage.sleep(a_while(&fleet)).await;
    life.host.go_on();
    if !leave_behind {
        fleet.set_still(place, false);
        return;
    }
    // A zombie has no future: after a while somebody finds it.
    fleet.stage.sleep(a_while(&fleet)).await;
    life.host.kill();
}

/// The line between a process and the store is broken.
async fn part(fleet: Arc<Fleet>, place: usize) {
    let Some(life) = fleet.life(place) else {
        return;
    };
    let how = match fleet.stage.draw(|random| random.u8(..3)) {
        0 => Break::Deaf,
        _ => Break::Cut,
    };
    life.host.note(format!("its line breaks: {how:?}"));
    fleet.stage.weather.break_line(life.host.id, how);
    fleet.stage.sleep(a_while(&fleet)).await;
    life.host.note("its line is mended");
    fleet.stage.weather.mend_line(life.host.id);
}

/// A process ends in order.
async fn leave(fleet: Arc<Fleet>, place: usize) {
    let Some(life) = fleet.life(place) else {
        return;
    };
    let Some(ctx) = life.ctx.filter(|_| !life.still) else {
        return;
    };
    life.host.note("is asked to end");
    let patience = fleet.stage.millis(0..2_000);
    let shutdown = async {
        let done = durable_api::shutdown(&ctx, patience).await;
        let how = match done {
            Ok(report) => format!("ends, {} unfinished", report.unfinished.len()),
            Err(error) => format!("ends, and could not hand back: {error}"),
        };
        life.host.note(how);
    };
    tokio::select! {
        biased;
        () = life.host.gone.cancelled() => return,
        () = shutdown => {}
    }
    life.host.kill();
}

fn set_clock(fleet: &Fleet, place: usize) {
    let worst = fleet.worst_skew();
    if let Some(life) = fleet.life(place).filter(|_| worst > 0) {
        let by = fleet.stage.draw(|random| random.i64(-worst..=worst));
        life.host.set_clock(by);
    }
}

async fn outage(fleet: &Fleet) {
    let stage = &fleet.stage;
    stage.note("store", "is away");
    stage.weather.set_outage(true);
    stage.sleep(a_while(fleet)).await;
    stage.note("store", "is back");
    stage.weather.set_outage(false);
}
