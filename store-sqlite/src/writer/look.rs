use std::sync::Arc;

use tokio::{runtime::Handle, task::JoinHandle};

use super::{batch, leader, queue::Shared};

/// Looks whether other connections have committed, and tells subscribers so. Does nothing while a leader has the connection,
/// because that one looks with every transaction.
///
/// On a thread of its own: a subscriber's runtime that comes to rest in the middle would keep the connection from
/// everybody else.
///
/// # Panics
/// Outside a tokio runtime.
pub(super) fn look(shared: Arc<Shared>) -> JoinHandle<()> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        if let Some(loan) = Loan::take(shared) {
            runtime.block_on(loan.look());
        }
    })
}

/// The connection, while nobody writes.
struct Loan {
    shared: Arc<Shared>,
    connection: Option<sqlx::SqliteConnection>,
}

impl Loan {
    fn take(shared: Arc<Shared>) -> Option<Self> {
        let connection = shared.borrow_connection()?;
        Some(Self {
            shared,
            connection: Some(connection),
        })
    }

    async fn look(mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        match batch::data_version(connection).await {
            Ok(version) => self.shared.watch.note(version),
            // The next look, or the next write, finds out what is wrong.
            Err(error) => tracing::debug!(%error, "cannot see whether other processes wrote"),
        }
        let shared = Arc::clone(&self.shared);
        drop(self);
        shared.watch.tell_of_others();
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // Writes that came meanwhile have waited for a leader.
        if let Some(runtime) = self.shared.rest(self.connection.take()) {
            runtime.spawn(leader::lead(Arc::clone(&self.shared)));
        }
    }
}
