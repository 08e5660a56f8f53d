//! The example `verify_replay`, as a deploy pipeline runs it.
use std::process::{Command, Output};

fn run(url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_verify_replay"))
        .args(arguments)
        .env("DURABLE_STORE_URL", url)
        .output()
        .expect("runs the example")
}

#[test]
fn a_build_that_would_diverge_ends_with_1_and_a_report() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", folder.path().join("orders.db").display());
    let started = run(&url, &["start"]);
    assert!(started.status.success(), "{started:?}");

    let same = run(&url, &[]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    let text = String::from_utf8_lossy(&same.stdout);
    assert_eq!(text, "1 workflow replayed, none diverges from this build\n");

    let renamed = run(&url, &["renamed"]);
    assert_eq!(renamed.status.code(), Some(1), "{renamed:?}");
    let text = String::from_utf8_lossy(&renamed.stdout);
    assert!(
        text.contains("workflow `order-7` (order, version "),
        "{text}"
    );
    assert!(
        text.contains(" at step 0: `charge` is recorded, the code calls `take payment`"),
        "{text}"
    );
}
