//! The clock that all processes of this machine share.
use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the monotonic clock, the same in every process.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds * 1_000_000_000 + nanos
}

/// A stretch of that clock.
pub(super) const fn millis(millis: u64) -> u64 {
    millis * 1_000_000
}
