use std::sync::atomic::{AtomicU32, Ordering};

/// So many claims in a row pass over rows that somebody holds, before one waits for them.
const CLAIMS: u32 = 3;

/// Counts the claims that took nothing but passed over something: an owner that is not registered any more, and writes without
/// a pause, would hold its rows at every look.
#[derive(Debug, Default)]
pub(crate) struct Patience(AtomicU32);

impl Patience {
    /// Whether it is time to wait for a row.
    pub(super) fn is_exhausted(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= CLAIMS
    }

    /// A claim took nothing, and passed over something.
    pub(super) fn lose(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// A claim took something, or there was nothing to take.
    pub(super) fn regain(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
