//! Group commit: while one commit is under way, the next batch collects.
mod batcher;
mod queue;
mod statement;
mod worker;

use std::cmp::Ordering;

pub(crate) use batcher::Batcher;
pub(crate) use statement::{Column, Filling, Statement};

use crate::error::Failure;

/// A kind of write that many callers can share a commit of.
pub(crate) trait Batch: Send + Sync + 'static {
    /// One caller's write.
    type Item: Send + Sync + 'static;
    /// What becomes of it.
    type Answer: Send + 'static;
    /// What a commit needs and may have to wait for: a connection. More writes collect meanwhile.
    type Session: Send;

    /// The order of a batch, the same in every process, so that two that share rows do not
    /// deadlock. Items that compare equal never share a batch.
    fn compare(one: &Self::Item, other: &Self::Item) -> Ordering;

    /// About how many bytes an item adds to a statement.
    fn weight(item: &Self::Item) -> usize;

    /// Gets ready.
    fn open(&self) -> impl Future<Output = Result<Self::Session, Failure>> + Send;

    /// Commits items, wholly or not at all, and answers in their order.
    fn commit(
        &self,
        session: Self::Session,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Failure>> + Send;
}

/// How large a batch may become, and how many commits of one kind may be under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) commits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 500,
            bytes: 8 * 1024 * 1024,
            commits: 2,
        }
    }
}
