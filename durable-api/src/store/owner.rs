use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One life of one executor: made afresh by every launch, so that a process that comes back, or a
/// second one with the same executor id, is told from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Incarnation(pub Uuid);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The token that entitles one execution to write to one workflow.
///
/// A workflow that is `PENDING` has at most one owner. Whoever takes the workflow over replaces the
/// token, and from then on every write that carries the old one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The executor that runs it.
    pub incarnation: Incarnation,
    /// Which of that executor's executions; never used twice by one incarnation for one workflow.
    /// At most `i64::MAX`.
    pub execution: u64,
}

impl Owner {
    /// The token of execution number `execution` of `incarnation`.
    pub fn new(incarnation: Incarnation, execution: u64) -> Self {
        Self {
            incarnation,
            execution,
        }
    }
}
