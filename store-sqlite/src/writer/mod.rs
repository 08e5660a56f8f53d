//! One connection writes, and concurrent writes share its commits.
//!
//! A write waits in a queue. The first one to come starts a task, the *leader*, which takes
//! everything that waits, runs it in one transaction, commits, answers all of them, and takes what has come meanwhile. When
//! nothing waits, it lays the connection down and ends; so an idle store has no task and adds no
//! delay. A caller that is dropped leaves its write behind: not begun, it is skipped; begun, it
//! is committed with the others.
//!
//! A transaction of the user's waits in the same queue for a [`Turn`](turn::Turn): the leader gives the lead to it, and takes the
//! next writes when the turn has ended.
mod batch;
mod leader;
mod look;
mod observer;
mod on_behalf;
mod queue;
mod turn;
mod watch;
mod write;

use std::sync::{Arc, atomic::Ordering};

use durable_api::store::{StoreError, StoreErrorKind, StoreResult};
use tokio::{
    runtime::Handle,
    sync::{broadcast::Receiver, oneshot},
};

pub(crate) use observer::Observer;
pub(crate) use on_behalf::OnBehalf;
pub(crate) use watch::{Announcement, Hints};
pub(crate) use write::{Quick, Trouble, Write};

use crate::{CommitStatistics, database::Database};
use queue::Shared;
use write::Call;

/// Commits writes.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
}

impl Writer {
    /// Opens the connection, so that a file that cannot be used is found at once.
    pub(crate) async fn connect(database: Arc<Database>) -> StoreResult<Self> {
        let path = database.path().to_owned();
        let report = |failure: crate::error::Failure| failure.report("connect", &path);
        let mut connection = database.open_for_writing().await.map_err(report)?;
        // Another process may be making the file's schema just now.
        let mut patience = database.patience();
        loop {
            match batch::probe(&mut connection).await {
                Err(failure) if failure.is_busy() && patience.wait().await => {}
                result => break result.map_err(report)?,
            }
        }
        Ok(Self {
            shared: Arc::new(Shared::new(database, connection)),
        })
    }

    /// Has a write committed.
    pub(crate) async fn submit<W: Write>(&self, write: W) -> StoreResult<W::Answer> {
        turn::refuse_in_turn(&self.shared, W::OPERATION)?;
        let runtime = runtime(W::OPERATION)?;
        let (reply, answer) = oneshot::channel();
        let call = Box::new(Call::new(write, reply));
        if self.shared.push(call, runtime.clone()) {
            runtime.spawn(leader::lead(Arc::clone(&self.shared)));
        }
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::new(StoreErrorKind::Indeterminate, W::OPERATION)
                .with_message("the runtime ended while the write was being committed"))
        })
    }

    /// What is committed from now on, and an observer who looks for what others commit.
    pub(crate) async fn observe(&self) -> StoreResult<(Observer, Receiver<Announcement>)> {
        runtime("subscribe")?;
        Ok(Observer::new(&self.shared).await)
    }

    pub(crate) fn statistics(&self) -> CommitStatistics {
        CommitStatistics {
            commits: self.shared.commits.load(Ordering::Relaxed),
            writes: self.shared.writes.load(Ordering::Relaxed),
        }
    }
}

fn runtime(operation: &'static str) -> StoreResult<Handle> {
    Handle::try_current().map_err(|error| {
        StoreError::new(StoreErrorKind::Failed, operation)
            .with_message("call the store from a tokio runtime")
            .with_source(error)
    })
}
