//! What fuzzers feed bytes to. Each is an ordinary function that panics when a promise is broken; `fuzz/` calls them with what it invents, and a test with the kept corpus.
mod cron;
mod input;
mod listings;
mod payloads;
mod rows;
mod urls;

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// All targets by name: what the folders of the corpus and the programs of `fuzz/` are called.
pub const TARGETS: [Target; 5] = [
    ("cron", cron::fuzz),
    ("listings", listings::fuzz),
    ("payloads", payloads::fuzz),
    ("rows", rows::fuzz),
    ("urls", urls::fuzz),
];

/// A name, and what is fed.
pub type Target = (&'static str, fn(&[u8]));

/// Feeds one input to a target.
///
/// # Panics
/// When a promise is broken, or there is no such target.
pub fn feed(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    let (_, fuzz) = target.unwrap_or_else(|| panic!("there is no target `{name}`"));
    fuzz(data);
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(1).enable_all();
    builder.build().expect("a runtime")
});
