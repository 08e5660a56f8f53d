use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use durable_api::store::Wakeup;
use futures::{Stream, stream};
use tokio::{
    runtime::Handle,
    sync::broadcast::{self, error::RecvError},
};

use super::{
    notice::{Address, CAPACITY},
    outbox::Outbox,
};
use crate::{database::Database, error::Failure};

/// So many hints wait for a subscriber of this process; one who is slower is told `Everything`.
const MAILBOX: usize = 1_024;

/// After a notification, so long the next hints collect: a store that changes all the time sends few.
const PAUSE: Duration = Duration::from_millis(5);

/// Without waiting for the disk: a server that crashes has lost its listeners, too.
const NOTIFY: &str = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";

/// Tells subscribers of changes, once they are visible. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Hints {
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    address: Address,
    here: broadcast::Sender<Wakeup>,
    outbox: Mutex<Outbox>,
}

impl Hints {
    pub(crate) fn new(database: Database) -> Self {
        let address = Address::new(database.schema());
        Self {
            shared: Arc::new(Shared {
                database,
                address,
                here: broadcast::Sender::new(MAILBOX),
                outbox: Mutex::default(),
            }),
        }
    }

    pub(super) fn address(&self) -> Address {
        self.shared.address.clone()
    }

    /// Hints that this store gives from now on.
    pub(super) fn subscribe(&self) -> impl Stream<Item = Wakeup> + Send + use<> {
        stream::unfold(self.shared.here.subscribe(), |mut mailbox| async move {
            match mailbox.recv().await {
                Ok(hint) => Some((hint, mailbox)),
                Err(RecvError::Lagged(_)) => Some((Wakeup::Everything, mailbox)),
                Err(RecvError::Closed) => None,
            }
        })
    }

    /// Channel and text of a notification for everybody, this process included, that a transaction of the caller's sends.
    pub(crate) fn notification(&self, hints: impl IntoIterator<Item = Wakeup>) -> (String, String) {
        let channel = self.shared.address.channel.clone();
        (channel, Address::write_unsigned(hints))
    }

    /// Gives hints, to other processes soon.
    pub(crate) fn post(&self, hints: impl IntoIterator<Item = Wakeup>) {
        let hints: Vec<Wakeup> = hints.into_iter().collect();
        self.tell_here(&hints);
        if self.shared.outbox().put(hints) {
            let courier = Courier::new(Arc::clone(&self.shared));
            Handle::current().spawn(courier.run());
        }
    }

    /// Gives hints, to other processes before it returns: for callers that may end at once.
    pub(crate) async fn give(&self, hints: impl IntoIterator<Item = Wakeup>) {
        let hints: Vec<Wakeup> = hints.into_iter().collect();
        self.tell_here(&hints);
        match hints.len() {
            0 => {}
            1..=CAPACITY => self.shared.notify(hints).await,
            _ => self.shared.notify(vec![Wakeup::Everything]).await,
        }
    }

    fn tell_here(&self, hints: &[Wakeup]) {
        for hint in hints {
            // It fails if nobody has subscribed.
            let _ = self.shared.here.send(*hint);
        }
    }
}

impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hints")
            .field("address", &self.shared.address)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a notification. A lost one costs its receivers the time until they look by themselves.
    async fn notify(&self, hints: Vec<Wakeup>) {
        let text = self.address.write(hints);
        if self.try_notify(&text).await.is_err()
            // A connection that had been broken is found by its use.
            && let Err(failure) = self.try_notify(&text).await
        {
            let error = failure.into_store_error("notify");
            tracing::debug!(%error, "a notification of other processes was lost");
        }
    }

    async fn try_notify(&self, text: &str) -> Result<(), Failure> {
        let query = self.database.query(NOTIFY);
        let query = query
            .bind(self.address.channel.clone())
            .bind(text.to_owned());
        self.database.write(query).await?;
        Ok(())
    }
}

/// Empties the outbox.
struct Courier {
    shared: Arc<Shared>,
    /// Whether the outbox has been told that this courier is no more.
    ended: bool,
}

impl Courier {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            ended: false,
        }
    }

    async fn run(mut self) {
        loop {
            let hints = self.shared.outbox().take();
            self.ended = hints.is_empty();
            if self.ended {
                return;
            }
            self.shared.notify(hints).await;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        // Its runtime goes away, with hints that may still wait.
        if !self.ended {
            self.shared.outbox().abandon();
        }
    }
}
