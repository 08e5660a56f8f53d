//! Kills, stops and ends workers, and crashes the store, at random.
use std::{
    fmt, io,
    time::{Duration, Instant},
};

use super::fleet::Fleet;
use crate::servers::Server;

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deeds {
    pub(super) kills: u32,
    pub(super) stops: u32,
    pub(super) ends: u32,
    pub(super) crashes: u32,
    pub(super) disturbances: u32,
}

impl fmt::Display for Deeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kills,
            stops,
            ends,
            crashes,
            disturbances,
        } = self;
        write!(
            f,
            "{kills} kills, {stops} stops, {ends} orderly ends, {crashes} crashes and {disturbances} disturbances of the store"
        )
    }
}

/// Goes on for `length`; then all workers run again, and the store too.
pub(super) async fn rage(
    fleet: &mut Fleet,
    server: &mut Server,
    length: Duration,
    seed: u64,
) -> io::Result<Deeds> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut deeds = Deeds::default();
    let mut stopped: Vec<(usize, Instant)> = Vec::new();
    let end = Instant::now() + length;
    while Instant::now() < end {
        // A step of time, so that those who are to go on do so when they should.
        let pause = Instant::now() + Duration::from_millis(random.u64(150..900));
        while Instant::now() < pause {
            let (due, later): (Vec<_>, Vec<_>) = stopped
                .into_iter()
                .partition(|(_, at)| *at <= Instant::now());
            stopped = later;
            for (slot, _) in due {
                fleet.go_on(slot)?;
            }
            fleet.tend()?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let slot = random.usize(..fleet.slots());
        match random.u8(..100) {
            0..35 => deeds.kills += u32::from(fleet.kill(slot)?),
            35..60 => {
                if fleet.stop(slot)? {
                    deeds.stops += 1;
                    // Most are taken for dead meanwhile, some are not.
                    let length = Duration::from_millis(random.u64(200..3_000));
                    stopped.push((slot, Instant::now() + length));
                }
            }
            60..80 => deeds.ends += u32::from(fleet.ask_to_end(slot)?),
            80..90 if server.can_crash() => {
                deeds.crashes += 1;
                server.crash()?;
                // Now and then for longer than a lease.
                let longest = if random.u8(..4) == 0 { 4_000 } else { 800 };
                tokio::time::sleep(Duration::from_millis(random.u64(0..longest))).await;
                server.launch().await?;
            }
            _ => {
                deeds.disturbances += 1;
                let length = Duration::from_millis(random.u64(100..2_500));
                server.disturb(length).await?;
            }
        }
    }
    for slot in 0..fleet.slots() {
        fleet.go_on(slot)?;
    }
    Ok(deeds)
}
