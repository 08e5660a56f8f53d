//! The end of a context: what is left is handed back to the store.
use std::time::Duration;

use crate::support::{HandClock, Journal, config, launched, ready, unavailable};
use durable_api::{
    Ctx, Error, MockSystemStore, RegisterOptions, Result,
    store::{Incarnation, RegisterOutcome, RetireOutcome, StoreError, StoreErrorKind},
};
use durable_engine::new_context;

#[tokio::test]
async fn a_shutdown_retires_the_incarnation_that_was_registered_and_once() {
    let (registered, retired) = (Journal::new(), Journal::<Incarnation>::new());
    let mut store = MockSystemStore::new();
    let journal = registered.clone();
    store.expect_register_executor().returning(move |request| {
        journal.add(request.incarnation);
        Ok(RegisterOutcome::default())
    });
    let journal = retired.clone();
    store
        .expect_retire_executor()
        .returning(move |incarnation| {
            journal.add(incarnation);
            Ok(RetireOutcome::new(0))
        });
    let ctx = launched(ready(store), &HandClock::new()).await;

    durable_api::shutdown(&ctx, Duration::ZERO).await.unwrap();
    durable_api::shutdown(&ctx, Duration::ZERO).await.unwrap();
    assert_eq!(registered.entries().len(), 1);
    assert_eq!(retired.entries(), registered.entries());
}

#[tokio::test]
async fn a_context_that_was_never_launched_retires_nobody() {
    let mut store = MockSystemStore::new();
    store
        .expect_retire_executor()
        .returning(|_| panic!("nobody is registered"));
    let ctx = new_context(config(ready(store), &HandClock::new()))
        .await
        .unwrap();
    durable_api::shutdown(&ctx, Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn retiring_is_tried_again_after_a_transient_error() {
    let calls = Journal::new();
    let journal = calls.clone();
    let mut store = MockSystemStore::new();
    store
        .expect_retire_executor()
        .returning(move |_| match journal.add(()) {
            0..=2 => Err(unavailable("retire_executor")),
            _ => Ok(RetireOutcome::new(0)),
        });
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;

    let shutdown = durable_api::shutdown(&ctx, Duration::ZERO);
    clock.skip(shutdown).await.unwrap();
    assert_eq!(calls.entries().len(), 4);
}

#[tokio::test]
async fn a_store_that_stays_away_is_reported_in_the_end() {
    let calls = Journal::new();
    let journal = calls.clone();
    let mut store = MockSystemStore::new();
    store.expect_retire_executor().returning(move |_| {
        journal.add(());
        Err(unavailable("retire_executor"))
    });
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;

    let error = clock
        .skip(durable_api::shutdown(&ctx, Duration::ZERO))
        .await;
    assert!(matches!(error, Err(Error::Store(_))), "{error:?}");
    assert_eq!(calls.entries().len(), 5);
}

#[tokio::test]
async fn an_error_that_stays_is_reported_at_once() {
    let calls = Journal::new();
    let journal = calls.clone();
    let mut store = MockSystemStore::new();
    store.expect_retire_executor().returning(move |_| {
        journal.add(());
        Err(StoreError::new(StoreErrorKind::Denied, "retire_executor"))
    });
    let ctx = launched(ready(store), &HandClock::new()).await;

    let error = durable_api::shutdown(&ctx, Duration::ZERO).await;
    assert!(matches!(error, Err(Error::Store(_))), "{error:?}");
    assert_eq!(calls.entries().len(), 1);
}

/// Notes in its journal that it was dropped.
struct Held(Journal<&'static str>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}

/// A workflow that holds something while it waits for what does not come.
async fn hold_for_ever(ctx: Ctx, _: ()) -> Result<()> {
    let _held = Held(Journal::clone(&ctx.value().unwrap()));
    std::future::pending().await
}

#[tokio::test]
async fn what_is_cut_off_is_dropped_before_it_is_handed_back() {
    let journal = Journal::new();
    let retired = journal.clone();
    let mut store = MockSystemStore::new();
    store.expect_retire_executor().returning(move |_| {
        retired.add("handed back");
        Ok(RetireOutcome::new(1))
    });
    let clock = HandClock::new();
    let ctx = new_context(config(ready(store), &clock)).await.unwrap();
    let named = RegisterOptions::new().named("hold");
    durable_api::register_workflow_with(&ctx.with_value(journal.clone()), hold_for_ever, named)
        .unwrap();
    durable_api::launch(&ctx).await.unwrap();
    durable_api::run_workflow(&ctx, hold_for_ever, ())
        .await
        .unwrap();
    tokio::task::yield_now().await;

    durable_api::shutdown(&ctx, Duration::ZERO).await.unwrap();
    assert_eq!(journal.entries(), ["dropped", "handed back"]);
}

/// A workflow that waits for what does not come.
async fn wait_for_ever(_ctx: Ctx, _: ()) -> Result<()> {
    std::future::pending().await
}

#[tokio::test]
async fn what_still_runs_when_the_time_is_up_is_reported_and_handed_back() {
    let retired = Journal::new();
    let journal = retired.clone();
    let mut store = MockSystemStore::new();
    store.expect_retire_executor().returning(move |_| {
        journal.add(());
        Ok(RetireOutcome::new(1))
    });
    let clock = HandClock::new();
    let ctx = new_context(config(ready(store), &clock)).await.unwrap();
    let named = RegisterOptions::new().named("wait");
    durable_api::register_workflow_with(&ctx, wait_for_ever, named).unwrap();
    durable_api::launch(&ctx).await.unwrap();
    let handle = durable_api::run_workflow(&ctx, wait_for_ever, ())
        .id("wait-1")
        .await
        .unwrap();
    let waiting = tokio::spawn(async move { handle.get_result().await });

    let patience = Duration::from_secs(10);
    let shutdown = tokio::spawn({
        let ctx = ctx.clone();
        async move { durable_api::shutdown(&ctx, patience).await }
    });
    clock.asleep(patience).await;
    assert_eq!(retired.entries().len(), 0);
    clock.advance(patience);

    let report = shutdown.await.unwrap().unwrap();
    assert_eq!(report.unfinished, ["wait-1"]);
    assert_eq!(retired.entries().len(), 1);
    let result = waiting.await.unwrap();
    assert!(
        matches!(result, Err(Error::Interrupted { .. })),
        "{result:?}"
    );
}
