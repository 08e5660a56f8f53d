use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a workflow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum WorkflowStatus {
    /// Accepted and running, or waiting to be recovered.
    Pending,
    /// Waiting in a queue.
    Enqueued,
    /// Waiting for its time to enter a queue.
    Delayed,
    /// Ended with an output.
    Success,
    /// Ended with a failure.
    Error,
    /// Ended by cancellation or by its deadline.
    Cancelled,
    /// A dead letter: its executors died too often.
    MaxRecoveryAttemptsExceeded,
}

impl WorkflowStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Enqueued,
        Self::Delayed,
        Self::Success,
        Self::Error,
        Self::Cancelled,
        Self::MaxRecoveryAttemptsExceeded,
    ];

    /// The statuses that are not [final](Self::is_final).
    pub const UNFINISHED: [Self; 3] = [Self::Pending, Self::Enqueued, Self::Delayed];

    /// The stored name, such as `PENDING`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Enqueued => "ENQUEUED",
            Self::Delayed => "DELAYED",
            Self::Success => "SUCCESS",
            Self::Error => "ERROR",
            Self::Cancelled => "CANCELLED",
            Self::MaxRecoveryAttemptsExceeded => "MAX_RECOVERY_ATTEMPTS_EXCEEDED",
        }
    }

    /// Whether nothing more happens to such a workflow unless somebody resumes it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Enqueued | Self::Delayed)
    }
}

impl fmt::Display for WorkflowStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a workflow status")]
pub struct UnknownStatus(String);

impl FromStr for WorkflowStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}
