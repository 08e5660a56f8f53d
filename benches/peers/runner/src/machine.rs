use std::{fs, time::Instant};

/// What all processors of the machine did, from `/proc/stat`, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    busy: f64,
    at: Instant,
}

impl Machine {
    pub(crate) fn now() -> Self {
        Self {
            busy: busy_seconds().unwrap_or(0.0),
            at: Instant::now(),
        }
    }

    /// How busy it has been since, from 0 to 1.
    pub(crate) fn busy_since(self) -> f64 {
        let now = Self::now();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        (now.busy - self.busy) / (now.at - self.at).as_secs_f64() / processors as f64
    }
}

/// User, nice, system and interrupt time of all processors; a tick is a hundredth of a second.
fn busy_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> = stat
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let idle = 3..=4;
    let busy = (0..7).filter(|index| !idle.contains(index));
    Some(busy.filter_map(|index| fields.get(index)).sum::<f64>() / 100.0)
}
