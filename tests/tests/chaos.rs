//! A short run of chaos on each store. Longer ones: `cargo run -p tests --bin chaos -- --store postgres --seconds 300`.
use std::process::{Command, Output};

/// Runs the program; everything it says is in the message of a failure.
fn chaos(store: &str, options: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--store", store, "--workers", "3"])
        .args(options)
        .output();
    output.expect("the program starts")
}

fn survives(store: &str) {
    let output = chaos(store, &["--seconds", "8"]);
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("all promises were kept"), "{said}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn sqlite_keeps_its_promises_in_chaos() {
    survives("sqlite");
}

#[test]
fn postgres_keeps_its_promises_in_chaos() {
    survives("postgres");
}

#[test]
fn redis_keeps_its_promises_in_chaos() {
    survives("redis");
}

#[test]
fn broken_promises_are_noticed() {
    let output = chaos("sqlite", &["--seconds", "8", "--sabotage", "--seed", "1"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for broken in ["VIOLATION queue ", "VIOLATION workflow talk-mailbox-"] {
        let noticed = |line: &str| line.starts_with(broken);
        assert!(said.lines().any(noticed), "no {broken}: {said}");
    }
}
