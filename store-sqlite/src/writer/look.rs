use std::sync::Arc;

use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    batch,
    queue::{Idle, Shared},
    turn::Turn,
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
                let turn = Turn::new(&shared, Some(connection));
                runtime.block_on(note(turn));
            }
        }
        shared.watch.tell_of_others();
    })
}

async fn note(mut turn: Turn) {
    let Some(connection) = turn.connection() else {
        return;
    };
    match batch::data_version(connection).await {
        Ok(version) => turn.watch().note(version),
        // The next look, or the next write, finds out what is wrong.
        Err(error) => tracing::debug!(%error, "cannot see whether other processes wrote"),
    }
}
