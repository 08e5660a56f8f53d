use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{hints::Hints, tables::Tables};

/// What all handles on one store share.
#[derive(Debug, Default)]
pub(crate) struct Data {
    tables: Mutex<Tables>,
    pub(crate) hints: Hints,
}

impl Data {
    /// The tables, locked. A method that panics has not begun to write, so a poisoned lock guards sound data.
    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
