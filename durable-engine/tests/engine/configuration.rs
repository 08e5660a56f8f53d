//! A configuration that cannot work is refused before the store is asked for anything.
use std::{sync::Arc, time::Duration};

use durable_api::{Error, MockSystemStore};
use durable_engine::{Config, new_context};

/// Why a configuration is refused. The store expects no call, and would panic at one.
async fn refusal(change: impl FnOnce(Config) -> Config) -> String {
    let config = Config::new("app", Arc::new(MockSystemStore::new()));
    match new_context(change(config)).await {
        Err(error @ (Error::InvalidName { .. } | Error::InvalidConfig(_))) => error.to_string(),
        other => panic!("expected a refusal, not {other:?}"),
    }
}

#[tokio::test]
async fn an_empty_application_name_is_refused() {
    let config = Config::new("", Arc::new(MockSystemStore::new()));
    let refusal = refusal(|_| config).await;
    assert_eq!(refusal, "invalid application name \"\": it is empty");
}

#[tokio::test]
async fn an_executor_id_of_600_bytes_is_refused_and_shown_shortened() {
    let refusal = refusal(|config| config.executor_id("x".repeat(600))).await;
    let shown = "x".repeat(40);
    let expected =
        format!("invalid executor id \"{shown}\": it is 600 bytes, over the limit of 512");
    assert_eq!(refusal, expected);
}

#[tokio::test]
async fn an_application_version_with_a_nul_is_refused() {
    let refusal = refusal(|config| config.app_version("1\0")).await;
    assert!(
        refusal.ends_with("it contains a NUL character"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_takeover_interval_of_zero_is_refused() {
    let refusal = refusal(|config| config.takeover_interval(Duration::ZERO)).await;
    assert!(refusal.contains("an interval of zero"), "{refusal}");
}

#[tokio::test]
async fn a_poll_interval_of_zero_is_refused() {
    let refusal = refusal(|config| config.poll_interval(Duration::ZERO)).await;
    assert!(refusal.contains("an interval of zero"), "{refusal}");
}
