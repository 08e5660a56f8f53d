//! What the engine does when the store malfunctions: it sits out what may pass, and reports the rest.
use std::{future::IntoFuture as _, time::Duration};

use crate::support::{HandClock, Journal, greet, launched, ready, stubborn, unavailable};
use durable_api::{
    Error, MockSystemStore,
    store::{FinishOutcome, InsertOutcome, RecordOutcome, StoreError, StoreErrorKind, StoreResult},
};

/// Those that may pass by themselves.
const TRANSIENT: [StoreErrorKind; 3] = [
    StoreErrorKind::Unavailable,
    StoreErrorKind::Contention,
    StoreErrorKind::Indeterminate,
];

/// Those that somebody may mend.
const MENDABLE: [StoreErrorKind; 2] = [StoreErrorKind::Denied, StoreErrorKind::Failed];

/// Those that nobody can sit out.
const LASTING: [StoreErrorKind; 4] = [
    StoreErrorKind::Corrupt,
    StoreErrorKind::Incompatible,
    StoreErrorKind::Invalid,
    StoreErrorKind::Misconfigured,
];

/// Fails `calls` times, each time in the next of these ways, and then answers.
fn after<T>(failures: &[StoreErrorKind], calls: usize, answer: T) -> StoreResult<T> {
    match failures.get(calls) {
        Some(kind) => Err(StoreError::new(*kind, "mocked")),
        None => Ok(answer),
    }
}

/// A store that records everything.
fn recording(mut store: MockSystemStore) -> MockSystemStore {
    store
        .expect_record_step()
        .returning(|_| Ok(RecordOutcome::Recorded));
    store
        .expect_finish_workflow()
        .returning(|_| Ok(FinishOutcome::Finished));
    ready(store)
}

#[tokio::test]
async fn a_start_is_repeated_unchanged_until_the_store_answers() {
    let requests = Journal::new();
    let journal = requests.clone();
    let mut store = MockSystemStore::new();
    store
        .expect_insert_workflow()
        .returning(move |request| after(&TRANSIENT, journal.add(request), InsertOutcome::Inserted));
    let clock = HandClock::new();
    let ctx = launched(recording(store), &clock).await;

    let start = durable_api::run_workflow(&ctx, greet, "Ann").into_future();
    let handle = clock.skip(start).await.unwrap();
    assert_eq!(handle.get_result().await.unwrap(), "hello Ann");

    let requests = requests.entries();
    assert_eq!(requests.len(), TRANSIENT.len() + 1);
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[tokio::test]
async fn a_start_is_not_repeated_after_an_error_that_stays() {
    for kind in MENDABLE.into_iter().chain(LASTING) {
        let calls = Journal::new();
        let journal = calls.clone();
        let mut store = MockSystemStore::new();
        store.expect_insert_workflow().returning(move |_| {
            journal.add(kind);
            Err(StoreError::new(kind, "insert_workflow"))
        });
        let clock = HandClock::new();
        let ctx = launched(ready(store), &clock).await;

        let start = durable_api::run_workflow(&ctx, greet, "Ann").into_future();
        match clock.skip(start).await {
            Err(Error::Store(error)) => assert_eq!(error.kind(), kind),
            other => panic!("expected {kind:?}, not {other:?}"),
        }
        assert_eq!(calls.entries(), [kind]);
        assert_eq!(clock.short_sleeps(), []);
    }
}

#[tokio::test]
async fn an_execution_sits_out_what_passes_and_what_somebody_mends() {
    let failures: Vec<_> = TRANSIENT.into_iter().chain(MENDABLE).collect();
    let (steps, outcomes) = (Journal::new(), Journal::new());
    let mut store = MockSystemStore::new();
    let (journal, kinds) = (steps.clone(), failures.clone());
    store
        .expect_record_step()
        .returning(move |request| after(&kinds, journal.add(request), RecordOutcome::Recorded));
    let (journal, kinds) = (outcomes.clone(), failures.clone());
    store
        .expect_finish_workflow()
        .returning(move |request| after(&kinds, journal.add(request), FinishOutcome::Finished));
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;

    let handle = durable_api::run_workflow(&ctx, greet, "Ann").await.unwrap();
    let output = clock.skip(handle.get_result().into_future()).await.unwrap();
    assert_eq!(output, "hello Ann");

    let (steps, outcomes) = (steps.entries(), outcomes.entries());
    assert_eq!(steps.len(), failures.len() + 1);
    assert!(steps.iter().all(|request| *request == steps[0]));
    assert_eq!(outcomes.len(), failures.len() + 1);
    assert!(outcomes.iter().all(|request| *request == outcomes[0]));
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_leaves_the_workflow_recoverable() {
    for kind in LASTING {
        let steps = Journal::new();
        let journal = steps.clone();
        // Nothing expects `finish_workflow`: a call would show as a panic of the engine.
        let mut store = MockSystemStore::new();
        store.expect_record_step().returning(move |_| {
            journal.add(kind);
            Err(StoreError::new(kind, "record_step"))
        });
        let clock = HandClock::new();
        let ctx = launched(ready(store), &clock).await;

        let handle = durable_api::run_workflow(&ctx, stubborn, "Ann")
            .await
            .unwrap();
        match clock.skip(handle.get_result().into_future()).await {
            Err(Error::Store(error)) => assert_eq!(error.kind(), kind),
            other => panic!("expected {kind:?}, not {other:?}"),
        }
        assert_eq!(steps.entries(), [kind]);
    }
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_leaves_the_workflow_recoverable() {
    for kind in LASTING {
        let outcomes = Journal::new();
        let journal = outcomes.clone();
        let mut store = MockSystemStore::new();
        store.expect_finish_workflow().returning(move |_| {
            journal.add(kind);
            Err(StoreError::new(kind, "finish_workflow"))
        });
        let clock = HandClock::new();
        let ctx = launched(recording(store), &clock).await;

        let handle = durable_api::run_workflow(&ctx, greet, "Ann").await.unwrap();
        match clock.skip(handle.get_result().into_future()).await {
            Err(Error::Store(error)) => assert_eq!(error.kind(), kind),
            other => panic!("expected {kind:?}, not {other:?}"),
        }
        assert_eq!(outcomes.entries(), [kind]);
    }
}

#[tokio::test]
async fn waits_grow_up_to_a_few_seconds_and_no_further() {
    let failures = [StoreErrorKind::Unavailable; 20];
    let calls = Journal::new();
    let mut store = MockSystemStore::new();
    store
        .expect_insert_workflow()
        .returning(move |_| after(&failures, calls.add(()), InsertOutcome::Inserted));
    let clock = HandClock::new();
    let ctx = launched(recording(store), &clock).await;

    let start = durable_api::run_workflow(&ctx, greet, "Ann").into_future();
    clock.skip(start).await.unwrap();

    let waits = clock.short_sleeps();
    assert_eq!(waits.len(), failures.len());
    assert!(waits[0] <= Duration::from_millis(30), "{waits:?}");
    for wait in &waits[10..] {
        let seconds = wait.as_secs_f64();
        assert!((1.5..=4.5).contains(&seconds), "{waits:?}");
    }
}

#[tokio::test]
async fn a_shutdown_ends_the_wait_for_a_store_that_is_away() {
    let mut store = MockSystemStore::new();
    store
        .expect_insert_workflow()
        .returning(|_| Err(unavailable("insert_workflow")));
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;

    let waiting = tokio::spawn({
        let ctx = ctx.clone();
        async move { durable_api::run_workflow(&ctx, greet, "Ann").await }
    });
    clock.asleep(Duration::from_secs(10)).await;
    durable_api::shutdown(&ctx, Duration::ZERO).await.unwrap();
    assert!(matches!(
        waiting.await.unwrap(),
        Err(Error::ShutDown { .. })
    ));
}
