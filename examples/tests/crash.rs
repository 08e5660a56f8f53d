//! The example `crash`, killed with SIGKILL at several points of its workflow, on every store that
//! outlives a process.
use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// A store for one test, and what must live as long as it.
struct Store {
    url: String,
    _directory: Option<TempDir>,
}

fn sqlite() -> Store {
    let directory = TempDir::new().expect("a directory");
    Store {
        url: format!("sqlite:{}", directory.path().join("crash.db").display()),
        _directory: Some(directory),
    }
}

fn server(variable: &str) -> Store {
    let url = env::var(variable).unwrap_or_else(|_| {
        panic!("set {variable}, or run the tests by `scripts/test`, which starts a server")
    });
    Store {
        url,
        _directory: None,
    }
}

fn worker(store: &Store, id: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_crash"))
        .arg("worker")
        .env("DURABLE_STORE_URL", &store.url)
        .env("CRASH_WORKFLOW_ID", id)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts a worker")
}

/// The lines of a worker, up to one that begins with `last`, at which it is killed, or to the end.
fn lines_until(mut worker: Child, last: Option<&str>) -> Vec<String> {
    let stdout = worker.stdout.take().expect("is piped");
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        lines.push(line.expect("reads a line"));
        if last.is_some_and(|last| lines.last().is_some_and(|line| line.starts_with(last))) {
            worker.kill().expect("kills");
            break;
        }
    }
    let status = worker.wait().expect("ends");
    assert_eq!(status.success(), last.is_none(), "{lines:?}");
    lines
}

/// The number in a line such as `step 3 of 10 (process 42)`.
fn step(line: &str) -> Option<u32> {
    line.strip_prefix("step ")?.split(' ').next()?.parse().ok()
}

/// Kills a worker at each of `points`, one after the other, and lets the last one finish.
fn survives(store: &Store, points: &[u32]) {
    let unique = format!("{}-{points:?}", std::process::id());
    let mut next = 1;
    for point in points {
        let last = format!("step {point} ");
        let lines = lines_until(worker(store, &unique), Some(&last));
        let steps: Vec<_> = lines.iter().filter_map(|line| step(line)).collect();
        assert_eq!(
            steps,
            (next..=*point).collect::<Vec<_>>(),
            "killed at {point}"
        );
        // The step that printed the last line was cut off, and runs again.
        next = *point;
    }
    let lines = lines_until(worker(store, &unique), None);
    let steps: Vec<_> = lines.iter().filter_map(|line| step(line)).collect();
    assert_eq!(steps, (next..=10).collect::<Vec<_>>(), "after {points:?}");
    assert_eq!(
        lines.last().map(String::as_str),
        Some("crash: the steps add up to 55")
    );
    // Once finished, it does nothing but report.
    let lines = lines_until(worker(store, &unique), None);
    assert_eq!(lines, ["crash: the steps add up to 55"]);
}

/// One after the other: workers that run at the same time would take over from those that were killed.
fn survives_at_several_points(store: &Store) {
    for points in [&[1][..], &[5], &[10], &[2, 2, 7]] {
        survives(store, points);
    }
}

#[test]
fn goes_on_after_the_last_completed_step_on_sqlite() {
    survives_at_several_points(&sqlite());
}

#[test]
fn goes_on_after_the_last_completed_step_on_postgres() {
    survives_at_several_points(&server("DURABLE_TEST_POSTGRES_URL"));
}

#[test]
fn goes_on_after_the_last_completed_step_on_redis() {
    survives_at_several_points(&server("DURABLE_TEST_REDIS_URL"));
}
