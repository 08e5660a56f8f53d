//! An outage of the store is logged when it begins and when it ends, however many calls meet it.
use std::future::IntoFuture as _;

use crate::support::{HandClock, Journal, Log, greet, launched, ready, unavailable};
use durable_api::{
    MockSystemStore,
    store::{FinishOutcome, RecordOutcome, StoreError, StoreErrorKind},
};
use futures::future::join_all;

const AWAY: &str = "the store does not answer";
const BACK: &str = "the store answers again";

#[tokio::test]
async fn an_outage_is_logged_once_and_its_end_once() {
    let log = Log::keep();
    let calls = Journal::new();
    let mut store = MockSystemStore::new();
    store.expect_record_step().returning(move |_| {
        match calls.add(()) {
            // Three workflows meet it, again and again.
            0..20 => Err(unavailable("record_step")),
            _ => Ok(RecordOutcome::Recorded),
        }
    });
    store
        .expect_finish_workflow()
        .returning(|_| Ok(FinishOutcome::Finished));
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;

    // All are accepted before the first meets the outage: an answer to one call is an end of it.
    let starts = ["Ann", "Bob", "Cid"]
        .map(|name| durable_api::run_workflow(&ctx, greet, name).into_future());
    let handles: Vec<_> = join_all(starts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let results = handles
        .iter()
        .map(|handle| handle.get_result().into_future());
    for result in clock.skip(join_all(results)).await {
        result.unwrap();
    }
    let lines = log.with("the store ");
    assert_eq!(log.with(AWAY).len(), 1, "{lines:#?}");
    assert_eq!(log.with(BACK).len(), 1, "{lines:#?}");
    assert!(log.with(AWAY)[0].starts_with("WARN"), "{lines:#?}");
    assert!(
        log.with(AWAY)[0].contains("record_step: the store is unavailable"),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn the_next_outage_is_logged_again() {
    let log = Log::keep();
    let (steps, outcomes) = (Journal::new(), Journal::new());
    let mut store = MockSystemStore::new();
    store
        .expect_record_step()
        .returning(move |_| match steps.add(()) {
            0..3 => Err(unavailable("record_step")),
            _ => Ok(RecordOutcome::Recorded),
        });
    store
        .expect_finish_workflow()
        .returning(move |_| match outcomes.add(()) {
            0..3 => Err(unavailable("finish_workflow")),
            _ => Ok(FinishOutcome::Finished),
        });
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;

    let handle = durable_api::run_workflow(&ctx, greet, "Ann").await.unwrap();
    clock.skip(handle.get_result().into_future()).await.unwrap();
    assert_eq!((log.with(AWAY).len(), log.with(BACK).len()), (2, 2));
}

#[tokio::test]
async fn contention_is_no_outage() {
    let log = Log::keep();
    let calls = Journal::new();
    let mut store = MockSystemStore::new();
    store
        .expect_record_step()
        .returning(move |_| match calls.add(()) {
            0..3 => Err(StoreError::new(StoreErrorKind::Contention, "record_step")),
            _ => Ok(RecordOutcome::Recorded),
        });
    store
        .expect_finish_workflow()
        .returning(|_| Ok(FinishOutcome::Finished));
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;

    let handle = durable_api::run_workflow(&ctx, greet, "Ann").await.unwrap();
    clock.skip(handle.get_result().into_future()).await.unwrap();
    assert_eq!((log.with(AWAY).len(), log.with(BACK).len()), (0, 0));
    assert_eq!(log.with("launched").len(), 1, "the log is kept at all");
}
