use durable::{
    Failure, WorkflowStatus,
    store::{Outcome, WorkflowRecord},
};

use super::Report;

/// What a workflow must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It succeeds with this answer.
    Answer(Vec<u64>),
    /// It succeeds with this answer, in whatever order.
    Unordered(Vec<u64>),
    /// It succeeds with one of these answers.
    OneOf(Vec<Vec<u64>>),
    /// It fails with this code.
    Failure(&'static str),
    /// It is cancelled.
    Cancelled,
}

impl Expected {
    /// Says what a workflow came to, if that is something else.
    pub(crate) fn check(&self, row: &WorkflowRecord) -> Result<(), String> {
        let answer = report(row).map(|report| report.answer);
        let failure = failure(row);
        let code = failure.as_ref().and_then(Failure::code);
        let kept = match self {
            Self::Answer(expected) => answer.as_ref() == Some(expected),
            Self::Unordered(expected) => answer.clone().is_some_and(|mut answer| {
                answer.sort_unstable();
                answer == *expected
            }),
            Self::OneOf(expected) => answer.as_ref().is_some_and(|one| expected.contains(one)),
            Self::Failure(expected) => code == Some(*expected),
            Self::Cancelled => row.status == WorkflowStatus::Cancelled,
        };
        if kept {
            return Ok(());
        }
        let came_to = match (answer, failure) {
            (Some(answer), _) => format!("{answer:?}"),
            (_, Some(failure)) => format!("{failure:?}"),
            _ => "nothing".to_owned(),
        };
        Err(format!("it came to {came_to}, expected {self:?}"))
    }
}

/// What a workflow that succeeded returned.
pub(crate) fn report(row: &WorkflowRecord) -> Option<Report> {
    match (row.status, &row.outcome) {
        (WorkflowStatus::Success, Some(Outcome::Success(payload))) => payload.decode().ok(),
        _ => None,
    }
}

fn failure(row: &WorkflowRecord) -> Option<Failure> {
    match (row.status, &row.outcome) {
        (WorkflowStatus::Error, Some(Outcome::Failure(payload))) => {
            Failure::from_payload(payload).ok()
        }
        _ => None,
    }
}
