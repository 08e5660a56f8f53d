use std::future::Future;

use async_trait::async_trait;
use durable_api::store::{StoreError, StoreResult};
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::watch::Hints;
use crate::sql::Value;

/// A write: one atomic change, and the answer to it. It may be run more than once, each time from
/// the start and after a rollback.
pub(crate) trait Write: Send + Sync + 'static {
    /// What the caller is told.
    type Answer: Send + 'static;

    /// The name of the trait's method.
    const OPERATION: &'static str;

    /// How many bytes it carries, about.
    fn size(&self) -> usize;

    /// The one statement that does it in most cases, if there is one.
    fn quick(&self) -> Option<Quick<Self::Answer>>;

    /// Does it, whatever the case, within the transaction that is open.
    fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> impl Future<Output = Result<Self::Answer, Trouble>> + Send;

    /// Whom to wake after a commit with this answer.
    fn wake(&self, _answer: &Self::Answer, _hints: &mut Hints) {}
}

/// A statement that either changes one row, and then has done all of a write; or changes nothing.
pub(crate) struct Quick<A> {
    /// The statement. Its parameters are plain `?`, because many of them are run as one text.
    pub(crate) sql: &'static str,
    /// The values, in order.
    pub(crate) values: Vec<Value>,
    /// The answer when it changed a row.
    pub(crate) done: A,
}

/// Why a write came to no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// SQLite failed, and the transaction with it.
    Sqlite(sqlx::Error),
    /// The write cannot be done. It has written nothing, and takes nothing from the others.
    Unfit(StoreError),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Unfit(error)
    }
}

/// A [`Write`] of whatever kind, with somebody who waits for its answer.
#[async_trait]
pub(super) trait Job: Send {
    fn operation(&self) -> &'static str;

    fn size(&self) -> usize;

    /// Whether nobody waits any more.
    fn is_abandoned(&self) -> bool;

    /// Begins anew, with the quick statement if there is one.
    fn begin(&mut self) -> Option<(&'static str, Vec<Value>)>;

    /// The quick statement changed a row.
    fn quick_done(&mut self);

    /// Does the write, unless the quick statement has.
    async fn complete(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error>;

    /// Whom to wake, after the commit.
    fn wake(&self, hints: &mut Hints);

    /// Tells the answer, which is durable now.
    fn answer(self: Box<Self>);

    /// Tells that there is none.
    fn fail(self: Box<Self>, error: StoreError);
}

/// The [`Job`] that a [`Write`] makes.
pub(super) struct Call<W: Write> {
    write: W,
    quick_answer: Option<W::Answer>,
    outcome: Option<StoreResult<W::Answer>>,
    reply: oneshot::Sender<StoreResult<W::Answer>>,
}

impl<W: Write> Call<W> {
    pub(super) fn new(write: W, reply: oneshot::Sender<StoreResult<W::Answer>>) -> Self {
        Self {
            write,
            quick_answer: None,
            outcome: None,
            reply,
        }
    }
}

#[async_trait]
impl<W: Write> Job for Call<W> {
    fn operation(&self) -> &'static str {
        W::OPERATION
    }

    fn size(&self) -> usize {
        self.write.size()
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn begin(&mut self) -> Option<(&'static str, Vec<Value>)> {
        self.outcome = None;
        let quick = self.write.quick()?;
        self.quick_answer = Some(quick.done);
        Some((quick.sql, quick.values))
    }

    fn quick_done(&mut self) {
        self.outcome = self.quick_answer.take().map(Ok);
    }

    async fn complete(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        if self.outcome.is_none() {
            self.outcome = Some(match self.write.apply(connection).await {
                Ok(answer) => Ok(answer),
                Err(Trouble::Unfit(error)) => Err(error),
                Err(Trouble::Sqlite(error)) => return Err(error),
            });
        }
        Ok(())
    }

    fn wake(&self, hints: &mut Hints) {
        if let Some(Ok(answer)) = &self.outcome {
            self.write.wake(answer, hints);
        }
    }

    fn answer(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            // Whoever asked may have gone; the write stands all the same.
            let _ = self.reply.send(outcome);
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}
