//! The kept corpus of the fuzzers, and inputs that are near to it. What a fuzzer finds is added to `fuzz/corpus/<target>/`, and is a test from then on.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use tests::fuzz::{TARGETS, feed};

fn folder() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("is in the workspace").join("fuzz")
}

/// The kept inputs of a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.expect("lists").path())
        .collect();
    files.sort();
    assert!(files.len() > 3, "{target} has {} inputs", files.len());
    let read = |file: &PathBuf| fs::read(file).expect("reads");
    files.iter().map(read).collect()
}

/// Feeds the corpus, and so many inputs that differ a little from it.
fn run(target: &str, near: usize) {
    let corpus = corpus(target);
    for data in &corpus {
        feed(target, data);
    }
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..near {
        let mut data = corpus[random.usize(..corpus.len())].clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..=data.len());
            match random.u8(0..5) {
                0 => data.insert(at, random.u8(..)),
                1 => data.truncate(at),
                2 => data.extend_from_within(at..),
                3 if at < data.len() => drop(data.remove(at)),
                _ if at < data.len() => data[at] = random.u8(..),
                _ => {}
            }
        }
        // Names the input if the process does not come back from it.
        let shown = data.escape_ascii().to_string();
        let fed = std::panic::catch_unwind(|| feed(target, &data));
        assert!(fed.is_ok(), "{target}: b\"{shown}\"");
    }
}

#[test]
fn cron_expressions_are_refused_or_tick() {
    run("cron", 1_000);
}

#[test]
fn listings_agree_with_their_filter() {
    run("listings", 2_000);
}

#[test]
fn payloads_are_refused_or_make_the_round_trip() {
    run("payloads", 20_000);
}

#[test]
fn rows_are_read_or_named() {
    run("rows", 500);
}

#[test]
fn urls_are_refused_or_understood_and_show_no_password() {
    run("urls", 20_000);
}

#[test]
fn each_target_has_a_program_of_its_own() {
    let programs = fs::read_dir(folder().join("fuzz_targets")).expect("lists");
    let programs: BTreeSet<_> = programs
        .map(|file| {
            file.expect("lists")
                .file_name()
                .into_string()
                .expect("is text")
        })
        .collect();
    let targets = TARGETS.map(|(target, _)| format!("{target}.rs"));
    assert_eq!(programs, BTreeSet::from(targets));
}
