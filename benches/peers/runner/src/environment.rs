use std::{collections::BTreeMap, fs};

use serde::{Deserialize, Serialize};

/// Where a run took place, and with what settings.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Environment {
    pub(crate) processors: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) rounds: u32,
    pub(crate) pool: u32,
    /// Finished workflows in the tables, for workload i.
    pub(crate) growth: u64,
    /// Whether it was a quick look, of which no number means anything.
    pub(crate) quick: bool,
    pub(crate) postgres: BTreeMap<String, String>,
}

impl Environment {
    /// What the machine tells of itself.
    pub(crate) fn of_this_machine() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        Self {
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            processor: model
                .unwrap_or_default()
                .trim_matches([' ', '\t', ':'])
                .to_owned(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            ..Self::default()
        }
    }
}
