use durable_api::{Encoding, Error, Failure, Payload, WorkflowStatus};
use serde::{Deserialize, Serialize};

/// An error that a durable call reported to a workflow and that its replay must report again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub(crate) enum RecordedError {
    WorkflowFailed {
        workflow_id: String,
        failure: Failure,
    },
    Cancelled {
        workflow_id: String,
    },
    DeadLetter {
        workflow_id: String,
        attempts: u32,
    },
    TimedOut {
        workflow_id: String,
        status: WorkflowStatus,
        millis: u64,
    },
    NotFound {
        workflow_id: String,
    },
    UnknownVersion {
        version: String,
    },
    Conflict {
        workflow_id: String,
        name: String,
        app: String,
    },
    UnknownQueue {
        queue: String,
    },
    Duplicate {
        queue: String,
        deduplication_id: String,
        workflow_id: String,
    },
    QueueInUse {
        queue: String,
    },
    NotDelayed {
        workflow_id: String,
        status: WorkflowStatus,
    },
    ScheduleExists {
        name: String,
    },
    UnknownSchedule {
        name: String,
    },
}

impl RecordedError {
    /// The recorded form; `None` for an error that says something of this execution only.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        Some(match error.clone() {
            Error::WorkflowFailed {
                workflow_id,
                failure,
            } => Self::WorkflowFailed {
                workflow_id,
                failure,
            },
            Error::Cancelled { workflow_id } => Self::Cancelled { workflow_id },
            Error::DeadLetter {
                workflow_id,
                attempts,
            } => Self::DeadLetter {
                workflow_id,
                attempts,
            },
            Error::TimedOut {
                workflow_id,
                status,
                millis,
            } => Self::TimedOut {
                workflow_id,
                status,
                millis,
            },
            Error::NotFound { workflow_id } => Self::NotFound { workflow_id },
            Error::UnknownVersion { version } => Self::UnknownVersion { version },
            Error::Conflict {
                workflow_id,
                name,
                app,
            } => Self::Conflict {
                workflow_id,
                name,
                app,
            },
            Error::UnknownQueue { queue } => Self::UnknownQueue { queue },
            Error::Duplicate {
                queue,
                deduplication_id,
                workflow_id,
            } => Self::Duplicate {
                queue,
                deduplication_id,
                workflow_id,
            },
            Error::QueueInUse { queue } => Self::QueueInUse { queue },
            Error::NotDelayed {
                workflow_id,
                status,
            } => Self::NotDelayed {
                workflow_id,
                status,
            },
            Error::ScheduleExists { name } => Self::ScheduleExists { name },
            Error::UnknownSchedule { name } => Self::UnknownSchedule { name },
            _ => return None,
        })
    }

    /// Whether a recorded failure is the library's own.
    pub(crate) fn is_one(payload: &Payload) -> bool {
        payload.decode::<Self>().is_ok()
    }

    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::WorkflowFailed {
                workflow_id,
                failure,
            } => Error::WorkflowFailed {
                workflow_id,
                failure,
            },
            Self::Cancelled { workflow_id } => Error::Cancelled { workflow_id },
            Self::DeadLetter {
                workflow_id,
                attempts,
            } => Error::DeadLetter {
                workflow_id,
                attempts,
            },
            Self::TimedOut {
                workflow_id,
                status,
                millis,
            } => Error::TimedOut {
                workflow_id,
                status,
                millis,
            },
            Self::NotFound { workflow_id } => Error::NotFound { workflow_id },
            Self::UnknownVersion { version } => Error::UnknownVersion { version },
            Self::Conflict {
                workflow_id,
                name,
                app,
            } => Error::Conflict {
                workflow_id,
                name,
                app,
            },
            Self::UnknownQueue { queue } => Error::UnknownQueue { queue },
            Self::Duplicate {
                queue,
                deduplication_id,
                workflow_id,
            } => Error::Duplicate {
                queue,
                deduplication_id,
                workflow_id,
            },
            Self::QueueInUse { queue } => Error::QueueInUse { queue },
            Self::NotDelayed {
                workflow_id,
                status,
            } => Error::NotDelayed {
                workflow_id,
                status,
            },
            Self::ScheduleExists { name } => Error::ScheduleExists { name },
            Self::UnknownSchedule { name } => Error::UnknownSchedule { name },
        }
    }

    pub(crate) fn to_payload(&self) -> Payload {
        // Strings, numbers and JSON values have no way to fail.
        Encoding::Json
            .encode(self)
            .unwrap_or_else(|error| Failure::from(error).to_payload())
    }
}
