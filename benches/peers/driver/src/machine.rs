use std::{fs, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// The clock that all processes of the machine share, in nanoseconds.
pub fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// What this process uses, as the kernel tells it.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// User and system time so far.
    pub processor: Duration,
    /// Resident memory, in KiB.
    pub resident: u64,
    /// The most that ever was resident, in KiB.
    pub resident_peak: u64,
}

impl Process {
    /// As of now. Zeros where there is no `/proc`.
    pub fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().next());
            number.and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        let processor = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            processor: Duration::new(processor.tv_sec as u64, processor.tv_nsec as u32),
            resident: line("VmRSS:"),
            resident_peak: line("VmHWM:"),
        }
    }
}
