use serde::{Deserialize, Serialize};

use crate::Spread;

/// What a worker measured.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Report {
    /// How long the measured part took.
    pub seconds: f64,
    /// Workflows that ended in it.
    pub workflows: u64,
    /// Steps that were recorded in it.
    pub steps: u64,
    /// From a call to its result, in microseconds.
    pub latency: Option<Spread>,
    /// From leaving a workflow in a queue to the first line of its code, in microseconds; known to the process that runs it.
    pub begun: Option<Spread>,
    /// The processor time of this process in the measured part, in seconds.
    pub processor: f64,
    /// Resident memory before the work, in KiB.
    pub resident_before: u64,
    /// Resident memory after the work, in KiB.
    pub resident_after: u64,
    /// The most that ever was resident, in KiB.
    pub resident_peak: u64,
}
