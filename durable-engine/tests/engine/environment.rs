//! The environment overrides the configuration. A process has one environment, so each test runs in a
//! process of its own: this very binary, started once more.
use std::{
    env,
    ffi::{OsStr, OsString},
    future::Future,
    process::Command,
};

use crate::support::{HandClock, Journal, config, ready};
use durable_api::{Error, MockSystemStore, store::RegisterOutcome};
use durable_engine::{Config, new_context};

/// Set where a test runs in its own process.
const INNER: &str = "DURABLE_TEST_INNER";

/// Runs `body`, which is the whole of test `name`, in a process with these variables.
fn with_environment(name: &str, variables: &[(&str, &OsStr)], body: impl Future<Output = ()>) {
    if env::var_os(INNER).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        return runtime.expect("a runtime").block_on(body);
    }
    let test = format!("environment::{name}");
    let output = Command::new(env::current_exe().expect("knows its own file"))
        .args([test.as_str(), "--exact", "--nocapture"])
        .env(INNER, "1")
        .envs(variables.iter().copied())
        .output()
        .expect("starts a process");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{stdout}{stderr}"
    );
}

/// The executor id and version that are registered at launch.
async fn registered(change: impl FnOnce(Config) -> Config) -> (String, String) {
    let registrations = Journal::new();
    let journal = registrations.clone();
    let mut store = MockSystemStore::new();
    store.expect_register_executor().returning(move |request| {
        journal.add((request.executor_id, request.version));
        Ok(RegisterOutcome::default())
    });
    let config = change(config(ready(store), &HandClock::new()));
    let ctx = new_context(config).await.expect("a context");
    durable_api::launch(&ctx).await.expect("launches");
    let mut entries = registrations.entries();
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

#[test]
fn the_environment_names_executor_and_version() {
    with_environment(
        "the_environment_names_executor_and_version",
        &[
            ("DURABLE_EXECUTOR_ID", OsStr::new("from-environment")),
            ("DURABLE_APP_VERSION", OsStr::new("7")),
        ],
        async {
            let (executor_id, version) = registered(|config| config).await;
            assert_eq!(
                (executor_id.as_str(), version.as_str()),
                ("from-environment", "7")
            );
        },
    );
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    with_environment(
        "an_empty_variable_is_as_good_as_none",
        &[
            ("DURABLE_EXECUTOR_ID", OsStr::new("")),
            ("DURABLE_APP_VERSION", OsStr::new("")),
        ],
        async {
            let (executor_id, version) = registered(|config| config).await;
            assert_eq!((executor_id.as_str(), version.as_str()), ("executor", "1"));
        },
    );
}

#[test]
fn a_bad_variable_is_refused() {
    let long = "x".repeat(600);
    with_environment(
        "a_bad_variable_is_refused",
        &[("DURABLE_EXECUTOR_ID", OsStr::new(&long))],
        async {
            let config = config(MockSystemStore::new(), &HandClock::new());
            let error = new_context(config).await.unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::InvalidName {
                        what: "executor id",
                        ..
                    }
                ),
                "{error}"
            );
        },
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_unicode_is_refused_by_name() {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = OsString::from_vec(vec![b'v', 0xff]);
    with_environment(
        "a_variable_that_is_no_unicode_is_refused_by_name",
        &[("DURABLE_APP_VERSION", &bytes)],
        async {
            let config = config(MockSystemStore::new(), &HandClock::new());
            let error = new_context(config).await.unwrap_err();
            assert!(matches!(error, Error::InvalidConfig(_)), "{error}");
            assert!(error.to_string().contains("DURABLE_APP_VERSION"), "{error}");
        },
    );
}
