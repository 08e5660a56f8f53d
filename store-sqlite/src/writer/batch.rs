use futures::TryStreamExt as _;
use sqlx::{Either, Row as _, SqliteConnection};

use super::{queue::Shared, watch::Watch, write::Job};
use crate::{
    error::{Failure, Phase},
    sql::{Sql, Value, query, values},
};

/// What a transaction came to.
pub(super) enum Verdict {
    /// It is durable.
    Committed,
    /// It is not, or perhaps not; trying parts of it makes no sense.
    Failed(Failure),
    /// It is not, and it may be due to one of its writes.
    RolledBack(Failure),
}

/// Reads the file's header, which finds out whether it is a database.
pub(super) async fn probe(connection: &mut SqliteConnection) -> Result<(), Failure> {
    query("PRAGMA schema_version", values![])
        .fetch_all(connection)
        .await
        .map(drop)
        .map_err(|error| Failure::new(Phase::Open, error))
}

/// Runs all writes in one transaction, and waits for other processes as long as the store's bound
/// allows. Keeps the connection for the next one, unless the transaction failed.
pub(super) async fn commit(
    shared: &Shared,
    kept: &mut Option<SqliteConnection>,
    jobs: &mut [Box<dyn Job>],
) -> Verdict {
    let mut patience = shared.database.patience();
    loop {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => match shared.database.open_for_writing().await {
                Ok(connection) => {
                    shared.watch.forget();
                    connection
                }
                Err(failure) => return Verdict::Failed(failure),
            },
        };
        let verdict = attempt(&mut connection, &shared.watch, jobs).await;
        match &verdict {
            Verdict::Committed => *kept = Some(connection),
            Verdict::Failed(failure) if failure.is_busy() => {
                *kept = Some(connection);
                if patience.wait().await {
                    continue;
                }
            }
            // A fresh connection has no transaction open, whatever state this one is in.
            Verdict::Failed(_) | Verdict::RolledBack(_) => discard(connection).await,
        }
        return verdict;
    }
}

async fn attempt(
    connection: &mut SqliteConnection,
    watch: &Watch,
    jobs: &mut [Box<dyn Job>],
) -> Verdict {
    if let Err(error) = begin(connection, watch).await {
        return Verdict::Failed(Failure::new(Phase::Statement, error));
    }
    if let Err(error) = run(connection, jobs).await {
        return Verdict::RolledBack(Failure::new(Phase::Statement, error));
    }
    match query("COMMIT", values![]).execute(connection).await {
        Ok(_) => Verdict::Committed,
        Err(error) => {
            let failure = Failure::new(Phase::Commit, error);
            if failure.kind().is_not_applied() {
                Verdict::RolledBack(failure)
            } else {
                Verdict::Failed(failure)
            }
        }
    }
}

/// Takes the lock, and looks on the way whether others have committed, if anybody wants to know.
async fn begin(connection: &mut SqliteConnection, watch: &Watch) -> Result<(), sqlx::Error> {
    if watch.is_watched() {
        let row = query("BEGIN IMMEDIATE; PRAGMA data_version", values![])
            .fetch_one(connection)
            .await?;
        watch.note(row.try_get(0)?);
    } else {
        query("BEGIN IMMEDIATE", values![])
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// A number that moves when another connection has committed.
pub(super) async fn data_version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    query("PRAGMA data_version", values![])
        .fetch_one(connection)
        .await?
        .try_get(0)
}

/// The values of a quick statement, and which of the jobs they belong to.
type Bound = (usize, Vec<Value>);

/// All quick statements first, like with like, then what they left undone. Callers whose writes
/// share a commit do not know of each other, so any order will do.
async fn run(
    connection: &mut SqliteConnection,
    jobs: &mut [Box<dyn Job>],
) -> Result<(), sqlx::Error> {
    let mut kinds: Vec<(&'static str, Vec<Bound>)> = Vec::new();
    for (index, job) in jobs.iter_mut().enumerate() {
        let Some((sql, values)) = job.begin() else {
            continue;
        };
        match kinds.iter_mut().find(|(known, _)| *known == sql) {
            Some((_, calls)) => calls.push((index, values)),
            None => kinds.push((sql, vec![(index, values)])),
        }
    }
    for (sql, calls) in kinds {
        let mut calls = calls.into_iter();
        while calls.len() > 0 {
            let size = chunk(calls.len());
            let some: Vec<_> = calls.by_ref().take(size).collect();
            for index in run_quick(connection, sql, some).await? {
                jobs[index].quick_done();
            }
        }
    }
    for job in jobs {
        job.complete(connection).await?;
    }
    Ok(())
}

/// How many of `waiting` statements to run as one text. Few sizes, so that each is prepared once.
fn chunk(waiting: usize) -> usize {
    [64, 16, 4]
        .into_iter()
        .find(|size| *size <= waiting)
        .unwrap_or(1)
}

/// Runs a statement once for each call, as one text, because every text costs a round trip to the thread of
/// the connection. Answers which of them changed a row.
async fn run_quick(
    connection: &mut SqliteConnection,
    sql: &'static str,
    calls: Vec<Bound>,
) -> Result<Vec<usize>, sqlx::Error> {
    let sql = match calls.len() {
        1 => Sql::Fixed(sql),
        many => Sql::Composed(format!("{sql};").repeat(many)),
    };
    let (indexes, values): (Vec<usize>, Vec<Vec<Value>>) = calls.into_iter().unzip();
    let mut indexes = indexes.into_iter();
    let mut changed = Vec::with_capacity(indexes.len());
    let mut results =
        sqlx::Executor::fetch_many(connection, sql.with(values.into_iter().flatten().collect()));
    while let Some(result) = results.try_next().await? {
        if let (Either::Left(done), Some(index)) = (result, indexes.next())
            && done.rows_affected() > 0
        {
            changed.push(index);
        }
    }
    Ok(changed)
}

/// Closes a connection, and with it rolls back what it had begun, before another one asks for the lock.
async fn discard(connection: SqliteConnection) {
    if let Err(error) = sqlx::Connection::close(connection).await {
        tracing::debug!(%error, "a failed connection did not close");
    }
}
