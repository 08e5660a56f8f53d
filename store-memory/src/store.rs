use std::{
    fmt,
    sync::{Arc, RwLockReadGuard, RwLockWriteGuard},
};

use durable_api::store::{Fence, NotOwner, StoreResult, Wakeup};

use crate::{MemoryOptions, data::Data, registry, tables::Tables};

/// A handle on a store that is memory of this process. A clone is another handle on the same data.
///
/// A private store lives as long as its last handle. A [named](Self::named) one lives as long as
/// the process, also when it has no handle, as a server would; [`forget`](Self::forget) ends it.
#[derive(Clone)]
pub struct MemoryStore {
    name: Option<Arc<str>>,
    pub(crate) data: Arc<Data>,
    /// The execution on whose behalf this handle changes what is not its own.
    fence: Option<Arc<Fence>>,
}

impl MemoryStore {
    /// A fresh, private store.
    pub fn new() -> Self {
        Self {
            name: None,
            data: Arc::default(),
            fence: None,
        }
    }

    /// The store of that name: every call in this process gives a handle on the same data.
    pub fn named(name: &str) -> Self {
        Self {
            name: Some(name.into()),
            data: registry::get(name),
            fence: None,
        }
    }

    /// Gives up the data of a name, so that the next store of that name is a fresh one. Handles on the
    /// old data keep it.
    pub fn forget(name: &str) {
        registry::forget(name);
    }

    /// The store at `memory:` (a fresh, private one) or `memory:<name>` (the one of that name).
    ///
    /// # Errors
    /// `Invalid` when the URL has another form.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::connect_with(MemoryOptions::from_url(url)?).await
    }

    /// The store that the options describe.
    ///
    /// # Errors
    /// None; the signature is that of every store.
    pub async fn connect_with(options: MemoryOptions) -> StoreResult<Self> {
        Ok(match options.name {
            Some(name) => Self::named(&name),
            None => Self::new(),
        })
    }

    /// Options with their defaults, for [`connect_with`](Self::connect_with).
    pub fn builder() -> MemoryOptions {
        MemoryOptions::new()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The tables, to be changed. No method awaits while it holds the lock.
    pub(crate) fn tables(&self) -> RwLockWriteGuard<'_, Tables> {
        self.data.tables()
    }

    /// A handle that changes things on behalf of an execution.
    pub(crate) fn acting_for(&self, fence: Fence) -> Self {
        Self {
            fence: Some(Arc::new(fence)),
            ..self.clone()
        }
    }

    /// The tables, to be changed on behalf of whoever this handle acts for.
    ///
    /// # Errors
    /// [`NotOwner`], if that is an execution that may not write any more.
    pub(crate) fn tables_for(
        &self,
        operation: &'static str,
    ) -> StoreResult<RwLockWriteGuard<'_, Tables>> {
        let tables = self.tables();
        match &self.fence {
            Some(fence) if !tables.may_write(&fence.workflow_id, fence.owner) => {
                Err(NotOwner::error(operation))
            }
            _ => Ok(tables),
        }
    }

    /// The tables, shared with others that read them, or that write checkpoints of other workflows.
    pub(crate) fn shared_tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.data.shared_tables()
    }

    /// Wakes whoever waits. To be called when the lock on the tables is free again, so that the change is visible.
    pub(crate) fn hint(&self, hints: impl IntoIterator<Item = Wakeup>) {
        self.data.hints.send(hints);
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
