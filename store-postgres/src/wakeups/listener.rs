use std::{collections::VecDeque, fmt, io::ErrorKind::UnexpectedEof, sync::Arc, time::Duration};

use durable_api::store::Wakeup;
use futures::{Stream, stream};
use sqlx::{
    Executor as _,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{runtime::Handle, time::timeout};

use super::notice::Address;
use crate::{
    database::Route,
    error::{Failure, Stage},
};

/// A connection that was silent for so long is tried: it may have been lost without a word.
const SILENCE: Duration = Duration::from_secs(30);

/// Between two attempts to connect anew.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens to other processes, on a connection of its own.
pub(super) struct Listener {
    connection: Connection,
    route: Arc<Route>,
    timeout: Duration,
    address: Address,
    waiting: VecDeque<Wakeup>,
}

impl Listener {
    pub(super) async fn open(
        route: Arc<Route>,
        timeout: Duration,
        address: Address,
    ) -> Result<Self, Failure> {
        let connection = Connection::open(&route, timeout, &address.channel).await?;
        Ok(Self {
            connection,
            route,
            timeout,
            address,
            waiting: VecDeque::new(),
        })
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Wakeup> + Send {
        stream::unfold(self, |mut listener| async move {
            let hint = listener.next().await;
            Some((hint, listener))
        })
    }

    async fn next(&mut self) -> Wakeup {
        loop {
            if let Some(hint) = self.waiting.pop_front() {
                return hint;
            }
            match self.connection.receive(self.timeout).await {
                Ok(text) => self.waiting.extend(self.address.read(&text)),
                Err(error) => {
                    tracing::debug!(%error, "the connection that listens was lost");
                    self.reconnect().await;
                    return Wakeup::Everything;
                }
            }
        }
    }

    async fn reconnect(&mut self) {
        loop {
            let channel = &self.address.channel;
            match Connection::open(&self.route, self.timeout, channel).await {
                Ok(connection) => {
                    self.connection = connection;
                    return;
                }
                Err(failure) => {
                    let error = failure.into_store_error("subscribe");
                    tracing::debug!(%error, "cannot listen again yet");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The driver's listener, which may be dropped outside of its runtime.
struct Connection {
    /// Taken only to drop it.
    listener: Option<PgListener>,
    runtime: Handle,
}

impl Connection {
    async fn open(
        route: &Route,
        acquire_timeout: Duration,
        channel: &str,
    ) -> Result<Self, Failure> {
        // The driver wants a pool to listen: one that never gives up its only connection.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(acquire_timeout)
            .connect_lazy_with(route.locate().await?);
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.ignore_pool_close_event(true);
            // The driver would connect to the same host again.
            listener.eager_reconnect(false);
            listener.listen(channel).await?;
            Ok(listener)
        };
        let listener = listening
            .await
            .map_err(|error| Failure::from_driver(error, Stage::Uncommitted))?;
        Ok(Self {
            listener: Some(listener),
            runtime: Handle::current(),
        })
    }

    /// The next notification's text.
    async fn receive(&mut self, patience: Duration) -> Result<String, sqlx::Error> {
        let Some(listener) = &mut self.listener else {
            return Err(sqlx::Error::PoolClosed);
        };
        loop {
            match timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => return Ok(notification.payload().to_owned()),
                Ok(Ok(None)) => return Err(std::io::Error::from(UnexpectedEof).into()),
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let answer = timeout(patience, (&mut *listener).execute("SELECT 1")).await;
                    answer.map_err(|_| sqlx::Error::PoolTimedOut)??;
                }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _runtime = self.runtime.enter();
        drop(self.listener.take());
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
