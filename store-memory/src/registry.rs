//! The stores of this process that have a name.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use crate::data::Data;

type Named = HashMap<String, Arc<Data>>;

/// The data of a name, made at first sight.
pub(crate) fn get(name: &str) -> Arc<Data> {
    Arc::clone(named().entry(name.to_owned()).or_default())
}

/// Gives up the data of a name.
pub(crate) fn forget(name: &str) {
    named().remove(name);
}

fn named() -> MutexGuard<'static, Named> {
    static NAMED: OnceLock<Mutex<Named>> = OnceLock::new();
    NAMED
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}
