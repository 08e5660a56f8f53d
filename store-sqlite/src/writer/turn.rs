use std::sync::Arc;

use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::{Writer, leader, queue::Shared, runtime, watch::Watch};

tokio::task_local! {
    /// The writer whose turn the task holds, by its address.
    static HELD: usize;
}

/// The lead, with nothing led: as long as it lasts, nobody writes through this store. It ends when it is dropped.
pub(crate) struct Turn {
    shared: Arc<Shared>,
    /// The connection that writes, which is at rest meanwhile.
    connection: Option<SqliteConnection>,
}

impl Turn {
    pub(super) fn new(shared: &Arc<Shared>, connection: Option<SqliteConnection>) -> Self {
        Self {
            shared: Arc::clone(shared),
            connection,
        }
    }

    /// Runs something that must not wait for a write through this store, as that would wait for the turn's end. Writes that it asks
    /// for in its own task are refused.
    pub(crate) async fn while_held<F: Future>(&self, work: F) -> F::Output {
        HELD.scope(address(&self.shared), work).await
    }

    pub(super) fn connection(&mut self) -> Option<&mut SqliteConnection> {
        self.connection.as_mut()
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.shared.watch
    }

    /// Counts a transaction of one write that was committed in the turn.
    pub(crate) fn count(&self) {
        self.shared.count(1);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Writes that came meanwhile have waited for a leader.
        if let Some(runtime) = self.shared.rest(self.connection.take()) {
            runtime.spawn(leader::lead(Arc::clone(&self.shared)));
        }
    }
}

impl Writer {
    /// Waits for a turn, behind the writes that wait already.
    pub(crate) async fn turn(&self, operation: &'static str) -> StoreResult<Turn> {
        refuse_in_turn(&self.shared, operation)?;
        let runtime = runtime(operation)?;
        let (give, given) = oneshot::channel();
        if self.shared.push_turn(give, runtime.clone()) {
            runtime.spawn(leader::lead(Arc::clone(&self.shared)));
        }
        given.await.map_err(|_| {
            StoreError::new(StoreErrorKind::Unavailable, operation)
                .with_message("the runtime that commits writes ended; another one takes over")
        })
    }
}

/// Refuses a write that would wait for the turn that its own task holds.
pub(super) fn refuse_in_turn(shared: &Arc<Shared>, operation: &'static str) -> StoreResult<()> {
    if HELD.try_with(|held| *held == address(shared)) != Ok(true) {
        return Ok(());
    }
    Err(
        StoreError::new(StoreErrorKind::Unsupported, operation).with_message(
            "the body of a transactional step has sqlite's only writer, for which this write would wait: \
             do it before or after the step",
        ),
    )
}

fn address(shared: &Arc<Shared>) -> usize {
    Arc::as_ptr(shared).addr()
}
