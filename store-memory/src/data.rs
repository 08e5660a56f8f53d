use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{hints::Hints, tables::Tables};

/// What all handles on one store share.
#[derive(Debug, Default)]
pub(crate) struct Data {
    tables: RwLock<Tables>,
    pub(crate) hints: Hints,
}

impl Data {
    /// The tables, to be changed. A method that panics has not begun to write, so a poisoned lock guards sound data.
    pub(crate) fn tables(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tables, shared with others that read them.
    pub(crate) fn shared_tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }
}
