use std::sync::Arc;

use durable_api::store::StoreErrorKind;
use tokio::runtime;

use super::{Batch, batcher::Shared, queue::Entry};
use crate::error::Failure;

/// Commits batch after batch until nothing waits.
pub(super) struct Worker<B: Batch> {
    shared: Arc<Shared<B>>,
    lane: runtime::Id,
    /// Whether the queue has been told that this worker is no more.
    ended: bool,
}

impl<B: Batch> Worker<B> {
    pub(super) fn new(shared: Arc<Shared<B>>, lane: runtime::Id) -> Self {
        Self {
            shared,
            lane,
            ended: false,
        }
    }

    pub(super) async fn run(mut self) {
        while self.is_needed() {
            // Whatever arrives while the connection is awaited joins the batch.
            let session = self.shared.batch.open().await;
            let entries = self.shared.queue().take(self.lane, self.shared.limits);
            if !entries.is_empty() {
                self.commit(session, entries).await;
            }
        }
    }

    fn is_needed(&mut self) -> bool {
        let needed = self.shared.queue().is_worth_a_commit(self.lane);
        self.ended = !needed;
        needed
    }

    async fn commit(&self, session: Result<B::Session, Failure>, entries: Vec<Entry<B>>) {
        let (items, replies): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|entry| (entry.item, entry.reply))
            .unzip();
        let answers = match session {
            Ok(session) => self.shared.batch.commit(session, &items).await,
            Err(failure) => Err(failure),
        };
        let answers: Vec<Result<B::Answer, Failure>> = match answers {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(failure) if items.len() > 1 && is_about_one(failure.kind) => {
                self.commit_singly(&items).await
            }
            Err(failure) => items.iter().map(|_| Err(failure.clone())).collect(),
        };
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away does not hear of it.
            let _ = reply.send(answer);
        }
    }

    /// Nothing of the batch was applied, perhaps for the fault of one: each gets a commit of its own.
    async fn commit_singly(&self, items: &[B::Item]) -> Vec<Result<B::Answer, Failure>> {
        let mut answers: Vec<Result<B::Answer, Failure>> = Vec::with_capacity(items.len());
        for item in items {
            let outage = answers.last().and_then(|last| match last {
                Err(failure) if !is_about_one(failure.kind) => Some(failure.clone()),
                _ => None,
            });
            answers.push(match outage {
                Some(failure) => Err(failure),
                None => self.commit_one(item).await,
            });
        }
        answers
    }

    async fn commit_one(&self, item: &B::Item) -> Result<B::Answer, Failure> {
        let session = self.shared.batch.open().await?;
        let answers = self
            .shared
            .batch
            .commit(session, std::slice::from_ref(item))
            .await?;
        answers.into_iter().next().ok_or_else(|| {
            Failure::new(StoreErrorKind::Corrupt, "the server answered for no write")
        })
    }
}

impl<B: Batch> Drop for Worker<B> {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.queue().end_worker(self.lane);
        }
    }
}

/// Whether the failure of a batch may be the fault of one of its rows.
fn is_about_one(kind: StoreErrorKind) -> bool {
    matches!(
        kind,
        StoreErrorKind::Contention
            | StoreErrorKind::Invalid
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Failed
    )
}
