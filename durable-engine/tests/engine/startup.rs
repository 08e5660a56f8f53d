//! A store that refuses at the start: the error says in which phase, and on which store.
use crate::support::{HandClock, Journal, config, greet, ready, register, unavailable};
use durable_api::{
    Ctx, Error, MockSystemStore,
    store::{RegisterOutcome, StoreDescription, StoreError, StoreErrorKind, StoreResult},
};
use durable_engine::new_context;

/// A store that denies `failing`, and the calls that it receives.
fn denying(failing: &'static str) -> (MockSystemStore, Journal<&'static str>) {
    let calls = Journal::new();
    let answer = {
        let calls = calls.clone();
        move |operation: &'static str| -> StoreResult<()> {
            calls.add(operation);
            if operation == failing {
                let message = "user `app` may not do this";
                let error = StoreError::new(StoreErrorKind::Denied, operation);
                return Err(error.with_message(message));
            }
            Ok(())
        }
    };
    let mut store = MockSystemStore::new();
    let call = answer.clone();
    store.expect_ping().returning(move || call("ping"));
    let call = answer.clone();
    store.expect_migrate().returning(move || call("migrate"));
    let call = answer.clone();
    store.expect_verify().returning(move || call("verify"));
    let call = answer.clone();
    store
        .expect_register_version()
        .returning(move |_| call("register_version"));
    store
        .expect_register_executor()
        .returning(move |_| answer("register_executor").map(|()| RegisterOutcome::default()));
    store
        .expect_describe()
        .returning(|| StoreDescription::new("mock", "mock://host/app", "nothing lasts"));
    (store, calls)
}

/// The context, or why there is none.
async fn start(store: MockSystemStore) -> Result<Ctx, Error> {
    new_context(config(store, &HandClock::new())).await
}

/// All that a message about a denied `operation` says: no credentials, in particular.
fn message(phase: &str, operation: &str) -> String {
    format!(
        "cannot start: {phase} failed on mock store at mock://host/app: \
         {operation}: the store denied access: user `app` may not do this"
    )
}

#[tokio::test]
async fn a_store_that_refuses_the_connection_fails_the_phase_connect() {
    let (store, calls) = denying("ping");
    let error = start(store).await.unwrap_err();
    assert!(matches!(&error, Error::Startup { phase, .. } if *phase == "connect"));
    assert_eq!(error.to_string(), message("connect", "ping"));
    assert_eq!(calls.entries(), ["ping"]);
}

#[tokio::test]
async fn a_store_that_refuses_the_migration_fails_the_phase_migrate() {
    let (store, calls) = denying("migrate");
    let error = start(store).await.unwrap_err();
    assert!(matches!(&error, Error::Startup { phase, .. } if *phase == "migrate"));
    assert_eq!(error.to_string(), message("migrate", "migrate"));
    assert_eq!(calls.entries(), ["ping", "migrate"]);
}

#[tokio::test]
async fn a_store_with_a_schema_of_another_kind_fails_the_phase_verify() {
    let (store, calls) = denying("verify");
    let error = start(store).await.unwrap_err();
    assert!(matches!(&error, Error::Startup { phase, .. } if *phase == "verify"));
    assert_eq!(error.to_string(), message("verify", "verify"));
    assert_eq!(calls.entries(), ["ping", "migrate", "verify"]);
}

#[tokio::test]
async fn a_store_that_refuses_the_version_fails_the_phase_register() {
    let (store, _) = denying("register_version");
    let ctx = start(store).await.unwrap();
    let error = durable_api::launch(&ctx).await.unwrap_err();
    assert!(matches!(&error, Error::Startup { phase, .. } if *phase == "register"));
    assert_eq!(error.to_string(), message("register", "register_version"));
}

#[tokio::test]
async fn a_store_that_refuses_the_executor_fails_the_phase_register() {
    let (store, _) = denying("register_executor");
    let ctx = start(store).await.unwrap();
    let error = durable_api::launch(&ctx).await.unwrap_err();
    assert!(matches!(&error, Error::Startup { phase, .. } if *phase == "register"));
    assert_eq!(error.to_string(), message("register", "register_executor"));
}

#[tokio::test]
async fn nothing_starts_after_a_refused_registration() {
    let (store, _) = denying("register_executor");
    let ctx = start(store).await.unwrap();
    register(&ctx);
    durable_api::launch(&ctx).await.unwrap_err();
    let refused = durable_api::run_workflow(&ctx, greet, "Ann").await;
    assert!(matches!(refused, Err(Error::NotLaunched { .. })));
}

#[tokio::test]
async fn a_refused_launch_can_be_tried_again() {
    let mut store = MockSystemStore::new();
    store
        .expect_register_executor()
        .times(1)
        .returning(|_| Err(unavailable("register_executor")));
    let ctx = start(ready(store)).await.unwrap();
    register(&ctx);
    let error = durable_api::launch(&ctx).await.unwrap_err();
    assert!(matches!(error, Error::Startup { .. }), "{error}");
    durable_api::launch(&ctx).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_away_at_the_start_is_an_error_at_once() {
    let mut store = MockSystemStore::new();
    let calls = Journal::new();
    let pings = calls.clone();
    store.expect_ping().returning(move || {
        pings.add("ping");
        Err(unavailable("ping"))
    });
    let error = start(ready(store)).await.unwrap_err();
    assert!(matches!(error, Error::Startup { .. }), "{error}");
    assert_eq!(calls.entries(), ["ping"]);
}
