//! What was accepted, and what must become of it.
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use durable::Error;

use crate::flows::Expected;

/// A workflow that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) expected: Expected,
    pub(super) queue: &'static str,
    pub(super) partition: Option<String>,
}

/// The accounts of the controller, by workflow id.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: Mutex<BTreeMap<String, Entry>>,
    problems: Mutex<Vec<String>>,
}

impl Book {
    pub(super) fn accepted(&self, id: impl Into<String>, entry: Entry) {
        lock(&self.entries).insert(id.into(), entry);
    }

    /// An operation was refused that should not have been.
    pub(super) fn refused(&self, what: &str, error: &Error) {
        self.broken(format!("{what} was refused: {error}"));
    }

    /// An answer was not what was promised.
    pub(super) fn broken(&self, what: String) {
        lock(&self.problems).push(what);
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        lock(&self.entries).contains_key(id)
    }

    pub(super) fn entries(&self) -> BTreeMap<String, Entry> {
        lock(&self.entries).clone()
    }

    pub(super) fn problems(&self) -> Vec<String> {
        lock(&self.problems).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
