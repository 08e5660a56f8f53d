use sqlx::{
    PgConnection, Postgres, Transaction,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{Connections, warm::Lent};
use crate::error::{Failure, Stage};

/// Whether losing the connection leaves a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Access {
    /// How far an operation has come with its last statement.
    fn at_the_end(self) -> Stage {
        match self {
            Self::Read => Stage::Uncommitted,
            Self::Write => Stage::Committing,
        }
    }
}

/// One operation on a connection of the pool.
pub(crate) type Work = WorkOn<'static>;

/// One operation on one connection. Dropped before [`commit`](Self::commit), it is rolled back.
pub(crate) struct WorkOn<'c> {
    connection: Connection<'c>,
    /// What the connection is of, if not of the caller's.
    origin: Option<Origin>,
    access: Access,
}

/// Where a connection comes from.
struct Origin {
    connections: Connections,
    /// How often the server had changed when it was made.
    moves: u64,
}

impl Origin {
    fn of(connections: Connections) -> Self {
        Self {
            moves: connections.moves(),
            connections,
        }
    }
}

enum Connection<'c> {
    /// Each statement commits by itself.
    Single(Lent),
    Transaction(Transaction<'static, Postgres>),
    /// Whoever opened the transaction ends it.
    Caller(&'c mut PgConnection),
}

impl<'c> WorkOn<'c> {
    /// A part of a transaction of the caller's.
    pub(crate) fn within(connection: &'c mut PgConnection) -> Self {
        Self {
            connection: Connection::Caller(connection),
            origin: None,
            access: Access::Write,
        }
    }

    pub(super) fn single(connections: Connections, lent: Lent, access: Access) -> Self {
        Self {
            connection: Connection::Single(lent),
            origin: Some(Origin::of(connections)),
            access,
        }
    }

    pub(super) fn transaction(
        connections: Connections,
        transaction: Transaction<'static, Postgres>,
        access: Access,
    ) -> Self {
        Self {
            connection: Connection::Transaction(transaction),
            origin: Some(Origin::of(connections)),
            access,
        }
    }

    /// Runs a statement, and loads its rows.
    pub(crate) async fn fetch(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, Failure> {
        let (rows, stage) = match &mut self.connection {
            Connection::Single(lent) => {
                let rows = query.fetch_all(&mut *lent.connection);
                let rows = watch(self.origin.as_ref(), rows).await;
                (rows, self.access.at_the_end())
            }
            Connection::Transaction(transaction) => {
                let rows = query.fetch_all(&mut **transaction);
                let rows = watch(self.origin.as_ref(), rows).await;
                (rows, Stage::Uncommitted)
            }
            Connection::Caller(connection) => {
                let rows = query.fetch_all(&mut **connection).await;
                // Outside a transaction, the write may have been committed.
                (rows, Stage::Committing)
            }
        };
        rows.map_err(|error| failed(self.origin.as_ref(), error, stage))
    }

    /// Runs a script of several statements, without arguments. Only within a transaction.
    pub(crate) async fn run_script(&mut self, script: String) -> Result<(), Failure> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        let done = match &mut self.connection {
            Connection::Single(lent) => script.execute(&mut *lent.connection).await,
            Connection::Transaction(transaction) => script.execute(&mut **transaction).await,
            Connection::Caller(connection) => script.execute(&mut **connection).await,
        };
        match done {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(self.origin.as_ref(), error, Stage::Uncommitted)),
        }
    }

    /// Lets go of what was locked, before the answer: a drop would do so some time after it.
    pub(crate) async fn roll_back(self) {
        if let Connection::Transaction(transaction) = self.connection {
            // A connection that fails meanwhile lets go, too.
            let _ = watch(self.origin.as_ref(), transaction.rollback()).await;
        }
    }

    /// Makes the work last.
    pub(crate) async fn commit(self) -> Result<(), Failure> {
        match self.connection {
            Connection::Single(lent) => {
                if let Some(origin) = self.origin {
                    origin.connections.take_back(lent);
                }
                Ok(())
            }
            Connection::Caller(_) => Ok(()),
            Connection::Transaction(transaction) => {
                let stage = self.access.at_the_end();
                let committed = watch(self.origin.as_ref(), transaction.commit()).await;
                committed.map_err(|error| failed(self.origin.as_ref(), error, stage))
            }
        }
    }
}

async fn watch<T: Send>(
    origin: Option<&Origin>,
    work: impl Future<Output = Result<T, sqlx::Error>> + Send,
) -> Result<T, sqlx::Error> {
    match origin {
        Some(origin) => origin.connections.watch(origin.moves, work).await,
        None => work.await,
    }
}

fn failed(origin: Option<&Origin>, error: sqlx::Error, stage: Stage) -> Failure {
    if let Some(origin) = origin {
        origin.connections.note(&error);
    }
    Failure::from_driver(error, stage)
}
