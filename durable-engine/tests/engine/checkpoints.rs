//! What counts is the store's word: a checkpoint that was there before, and who owns the workflow.
use std::future::IntoFuture as _;

use crate::support::{HandClock, Journal, greet, launched, ready, record, stubborn};
use durable_api::{
    Encoding, Error, Failure, MockSystemStore, Timestamp, WorkflowHandle, WorkflowStatus,
    store::{
        FinishOutcome, InsertOutcome, Outcome, Payloads, RecordOutcome, StepRecord, WorkflowRecord,
    },
};

const NOW: Timestamp = Timestamp::from_millis(1);

/// The outcome `text`.
fn success(text: &str) -> Outcome {
    Outcome::Success(Encoding::default().encode(text).unwrap())
}

/// A store in which step 0 has the checkpoint `recorded` already.
fn with_checkpoint(recorded: StepRecord) -> MockSystemStore {
    let mut store = MockSystemStore::new();
    store
        .expect_record_step()
        .returning(move |_| Ok(RecordOutcome::AlreadyRecorded(recorded.clone())));
    store
}

/// A store that says of the workflow, once it is asked whose it is: not this execution's.
fn taken_over(rows: Vec<Option<WorkflowRecord>>) -> MockSystemStore {
    let mut store = MockSystemStore::new();
    store
        .expect_record_step()
        .returning(|_| Ok(RecordOutcome::NotOwner));
    with_rows(store, rows)
}

/// A store that answers with one row after the other, and then with the last one.
fn with_rows(mut store: MockSystemStore, rows: Vec<Option<WorkflowRecord>>) -> MockSystemStore {
    let asked = Journal::new();
    store.expect_get_workflow().returning(move |_, payloads| {
        let row = rows[asked.add(()).min(rows.len() - 1)].clone();
        Ok(match payloads {
            Payloads::Load => row,
            payloads => row.map(|record| record.with_payloads(payloads)),
        })
    });
    store
}

/// What a handle on a run of `greet` reports.
async fn result_of_greet(store: MockSystemStore) -> Result<String, Error> {
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;
    let handle = durable_api::run_workflow(&ctx, greet, "Ann")
        .id("greet-ann")
        .await;
    result(&clock, handle.unwrap()).await
}

/// What a handle on a run of `stubborn` reports.
async fn result_of_stubborn(store: MockSystemStore) -> Result<String, Error> {
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;
    let handle = durable_api::run_workflow(&ctx, stubborn, "Ann")
        .id("greet-ann")
        .await;
    result(&clock, handle.unwrap()).await
}

async fn result(clock: &HandClock, handle: WorkflowHandle<String>) -> Result<String, Error> {
    clock.skip(handle.get_result().into_future()).await
}

#[tokio::test]
async fn a_value_recorded_before_is_what_the_workflow_receives() {
    let earlier = StepRecord::completed(0, "compose", success("from before"), NOW, NOW);
    let outcomes = Journal::new();
    let journal = outcomes.clone();
    let mut store = with_checkpoint(earlier);
    store.expect_finish_workflow().returning(move |request| {
        journal.add(request.outcome);
        Ok(FinishOutcome::Finished)
    });

    assert_eq!(result_of_greet(store).await.unwrap(), "from before");
    assert_eq!(outcomes.entries(), [success("from before")]);
}

#[tokio::test]
async fn a_failure_recorded_before_is_what_the_workflow_receives() {
    let failure = Failure::msg("from before").with_code("earlier");
    let outcome = Outcome::Failure(failure.to_payload());
    let mut store = with_checkpoint(StepRecord::completed(0, "compose", outcome, NOW, NOW));
    store
        .expect_finish_workflow()
        .returning(|_| Ok(FinishOutcome::Finished));

    match result_of_greet(store).await {
        Err(Error::WorkflowFailed {
            failure: received, ..
        }) => assert_eq!(received, failure),
        other => panic!("expected the recorded failure, not {other:?}"),
    }
}

// In the tests from here on nothing expects `finish_workflow`, unless they say so: a call would show as a
// panic of the engine.

fn assert_unexpected(result: Result<String, Error>, expected_called: &str) {
    match result {
        Err(Error::UnexpectedStep {
            workflow_id,
            step_id: 0,
            recorded,
            called,
        }) => {
            assert_eq!(workflow_id, "greet-ann");
            assert_eq!(recorded, "translate");
            assert_eq!(called, expected_called);
        }
        other => panic!("expected an unexpected step, not {other:?}"),
    }
}

#[tokio::test]
async fn another_step_recorded_before_is_unexpected() {
    let earlier = StepRecord::completed(0, "translate", success("x"), NOW, NOW);
    assert_unexpected(result_of_greet(with_checkpoint(earlier)).await, "compose");
}

#[tokio::test]
async fn an_unexpected_step_is_no_success_even_if_the_code_goes_on() {
    let earlier = StepRecord::completed(0, "translate", success("x"), NOW, NOW);
    assert_unexpected(
        result_of_stubborn(with_checkpoint(earlier)).await,
        "compose",
    );
}

#[tokio::test]
async fn a_child_recorded_where_a_step_is_called_is_unexpected() {
    let earlier = StepRecord::child(0, "compose", "child-1", NOW);
    let result = result_of_greet(with_checkpoint(earlier)).await;
    assert!(
        matches!(result, Err(Error::UnexpectedStep { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn an_execution_that_lost_its_workflow_reports_what_the_store_says() {
    let pending = record("greet-ann", "greet", WorkflowStatus::Pending);
    let mut finished = record("greet-ann", "greet", WorkflowStatus::Success);
    finished.outcome = Some(success("from elsewhere"));
    let rows = vec![Some(pending.clone()), Some(pending), Some(finished)];
    let result = result_of_greet(taken_over(rows)).await;
    assert_eq!(result.unwrap(), "from elsewhere");
}

#[tokio::test]
async fn an_execution_that_lost_its_workflow_records_no_outcome_even_if_the_code_goes_on() {
    let mut finished = record("greet-ann", "stubborn", WorkflowStatus::Success);
    finished.outcome = Some(success("from elsewhere"));
    let result = result_of_stubborn(taken_over(vec![Some(finished)])).await;
    assert_eq!(result.unwrap(), "from elsewhere");
}

#[tokio::test]
async fn a_failure_elsewhere_is_reported() {
    let failure = Failure::msg("no paper").with_code("elsewhere");
    let mut failed = record("greet-ann", "greet", WorkflowStatus::Error);
    failed.outcome = Some(Outcome::Failure(failure.to_payload()));
    match result_of_greet(taken_over(vec![Some(failed)])).await {
        Err(Error::WorkflowFailed {
            failure: received, ..
        }) => assert_eq!(received, failure),
        other => panic!("expected the failure, not {other:?}"),
    }
}

#[tokio::test]
async fn a_cancellation_elsewhere_is_reported() {
    let cancelled = record("greet-ann", "greet", WorkflowStatus::Cancelled);
    let result = result_of_greet(taken_over(vec![Some(cancelled)])).await;
    assert!(matches!(result, Err(Error::Cancelled { .. })), "{result:?}");
}

#[tokio::test]
async fn a_dead_letter_elsewhere_is_reported_with_its_attempts() {
    let status = WorkflowStatus::MaxRecoveryAttemptsExceeded;
    let mut dead = record("greet-ann", "greet", status);
    dead.recovery_attempts = 7;
    let result = result_of_greet(taken_over(vec![Some(dead)])).await;
    assert!(
        matches!(result, Err(Error::DeadLetter { attempts: 7, .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_workflow_deleted_meanwhile_is_not_found() {
    let result = result_of_greet(taken_over(vec![None])).await;
    assert!(matches!(result, Err(Error::NotFound { .. })), "{result:?}");
}

#[tokio::test]
async fn an_outcome_that_comes_too_late_gives_way_to_the_stored_one() {
    let mut finished = record("greet-ann", "greet", WorkflowStatus::Success);
    finished.outcome = Some(success("from elsewhere"));
    let mut store = MockSystemStore::new();
    store
        .expect_record_step()
        .returning(|_| Ok(RecordOutcome::Recorded));
    store
        .expect_finish_workflow()
        .returning(|_| Ok(FinishOutcome::NotOwner));
    let result = result_of_greet(with_rows(store, vec![Some(finished)])).await;
    assert_eq!(result.unwrap(), "from elsewhere");
}

#[tokio::test]
async fn a_workflow_accepted_before_is_not_run_again() {
    let mut finished = record("greet-ann", "greet", WorkflowStatus::Success);
    finished.outcome = Some(success("the first time"));
    let existing = finished.clone().without_payloads();
    // Nothing expects a checkpoint.
    let mut store = MockSystemStore::new();
    store
        .expect_insert_workflow()
        .returning(move |_| Ok(InsertOutcome::Existing(existing.clone())));
    let result = result_of_greet(with_rows(store, vec![Some(finished)])).await;
    assert_eq!(result.unwrap(), "the first time");
}
