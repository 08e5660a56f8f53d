use std::sync::{Arc, Mutex};

/// What happened, in order; shared by its clones.
#[derive(Clone, Debug)]
pub(crate) struct Journal<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Journal<T> {
    /// An empty journal.
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Adds an entry, and returns how many there were before.
    pub(crate) fn add(&self, entry: T) -> usize {
        let mut entries = self.0.lock().expect("no panic");
        entries.push(entry);
        entries.len() - 1
    }

    /// All entries so far.
    pub(crate) fn entries(&self) -> Vec<T> {
        self.0.lock().expect("no panic").clone()
    }
}
