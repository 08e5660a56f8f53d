use std::time::Duration;

/// A request to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sleep {
    /// How long.
    pub duration: Duration,
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Sleep {
    /// A request.
    pub fn new(duration: Duration, step_id: Option<u32>) -> Self {
        Self { duration, step_id }
    }
}

/// A request without arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draw {
    /// The caller's step.
    pub step_id: Option<u32>,
}

impl Draw {
    /// A request.
    pub fn new(step_id: Option<u32>) -> Self {
        Self { step_id }
    }
}
