use std::sync::Arc;

use sqlx::SqliteConnection;
use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    batch, leader,
    queue::{Idle, Shared},
};

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
        match shared.borrow_connection() {
            Idle::No => {}
            Idle::Without => shared.watch.suspect(),
            Idle::With(connection) => {
                let loan = Loan {
                    shared: Arc::clone(&shared),
                    connection: Some(connection),
                };
                runtime.block_on(loan.look());
            }
        }
        shared.watch.tell_of_others();
    })
}

/// The connection, while nobody writes.
struct Loan {
    shared: Arc<Shared>,
    connection: Option<SqliteConnection>,
}

impl Loan {
    async fn look(mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        match batch::data_version(connection).await {
            Ok(version) => self.shared.watch.note(version),
            // The next look, or the next write, finds out what is wrong.
            Err(error) => tracing::debug!(%error, "cannot see whether other processes wrote"),
        }
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
