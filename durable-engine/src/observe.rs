//! What an observer sees: spans by `tracing`, counters by `metrics`. Without a subscriber or a recorder, next to nothing is done.
use std::time::Duration;

use durable_api::store::Outcome;
use metrics::{counter, histogram};
use tracing::Span;

use crate::running::Ended;

/// The span of one execution of a workflow.
pub(crate) fn workflow_span(workflow_id: &str, name: &str, recovered: bool) -> Span {
    tracing::info_span!("workflow", workflow_id, name, recovered)
}

/// The span of a step that runs; a step that is replayed has none.
pub(crate) fn step_span(step_id: u32, name: &str) -> Span {
    tracing::info_span!("step", step_id, name)
}

/// A workflow was accepted by this process.
pub(crate) fn workflow_started(name: &str) {
    counter!("durable_workflows_started_total", "workflow" => name.to_owned()).increment(1);
}

/// A workflow was taken up after its executor was gone.
pub(crate) fn workflow_recovered(name: &str) {
    counter!("durable_workflows_recovered_total", "workflow" => name.to_owned()).increment(1);
}

/// An execution ended.
pub(crate) fn execution_ended(name: &str, ended: &Ended) {
    let how = match ended {
        Ended::Recorded(Outcome::Success(_)) => "success",
        Ended::Recorded(Outcome::Failure(_)) => "error",
        Ended::Interrupted(_) => "interrupted",
        Ended::Elsewhere => "lost",
    };
    counter!("durable_executions_ended_total", "workflow" => name.to_owned(), "how" => how)
        .increment(1);
}

/// A step came to an outcome.
pub(crate) fn step_recorded(success: bool) {
    let outcome = if success { "success" } else { "error" };
    counter!("durable_steps_recorded_total", "outcome" => outcome).increment(1);
}

/// A step failed and is tried again.
pub(crate) fn step_retried() {
    counter!("durable_step_retries_total").increment(1);
}

/// This executor was taken for dead, and is back.
pub(crate) fn executor_rejoined() {
    counter!("durable_executor_rejoined_total").increment(1);
}

/// Workflows were taken from queues.
pub(crate) fn workflows_dequeued(count: usize) {
    counter!("durable_workflows_dequeued_total").increment(count as u64);
}

/// The run of a schedule's tick was started by this process.
pub(crate) fn schedule_fired(name: &str) {
    counter!("durable_schedule_runs_total", "schedule" => name.to_owned()).increment(1);
}

/// A call to the store came back.
pub(crate) fn store_called(operation: &'static str, took: Duration, answered: bool) {
    let outcome = if answered { "answer" } else { "error" };
    histogram!("durable_store_call_seconds", "operation" => operation, "outcome" => outcome)
        .record(took);
}

/// A call to the store failed and is repeated.
pub(crate) fn store_call_repeated() {
    counter!("durable_store_calls_repeated_total").increment(1);
}
