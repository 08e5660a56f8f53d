use std::sync::{Arc, Weak};

use tokio::sync::broadcast::Receiver;

use super::{look::look, queue::Shared, watch::Announcement};

/// Sees what is committed. It does not keep the store open.
#[derive(Debug)]
pub(crate) struct Observer(Weak<Shared>);

impl Observer {
    /// An observer, and what is announced from now on.
    pub(super) async fn new(shared: &Arc<Shared>) -> (Self, Receiver<Announcement>) {
        // What others committed before is old, and not to be told of. Whether it succeeded does not matter.
        let _ = look(Arc::clone(shared)).await;
        (Self(Arc::downgrade(shared)), shared.watch.subscribe())
    }

    /// Has somebody look whether others have committed. `None`, if the store is closed.
    pub(crate) fn look(&self) -> Option<()> {
        let shared = self.0.upgrade()?;
        // Seen by a transaction, which leaves the telling to us.
        shared.watch.tell_of_others();
        drop(look(shared));
        Some(())
    }
}
