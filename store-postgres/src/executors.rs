use async_trait::async_trait;
use durable_api::store::{
    ExecutorRecord, ExecutorStore, ExpelExecutor, ExpelOutcome, HeartbeatOutcome, Incarnation,
    Owner, RegisterExecutor, RegisterOutcome, RetireOutcome, StoreErrorKind, StoreResult, Wakeup,
};

use crate::{
    PostgresStore,
    database::{Access, Database},
    error::Failure,
    record::{self, column},
    writes::{check, execution},
};

#[async_trait]
impl ExecutorStore for PostgresStore {
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome> {
        register(&self.database, &request)
            .await
            .map_err(|failure| failure.into_store_error("register_executor"))
    }

    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome> {
        heartbeat(&self.database, incarnation)
            .await
            .map_err(|failure| failure.into_store_error("heartbeat"))
    }

    async fn settle(&self, owner: Owner) -> StoreResult<()> {
        settle(&self.database, owner)
            .await
            .map_err(|failure| failure.into_store_error("settle"))
    }

    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>> {
        list(&self.database, app)
            .await
            .map_err(|failure| failure.into_store_error("list_executors"))
    }

    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome> {
        let expelled = expel(&self.database, &request).await;
        let expelled = expelled.map_err(|failure| failure.into_store_error("expel_executor"))?;
        if expelled == ExpelOutcome::Expelled {
            self.hints.give([Wakeup::Claimable]).await;
        }
        Ok(expelled)
    }

    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome> {
        let retired = retire(&self.database, incarnation).await;
        let retired = retired.map_err(|failure| failure.into_store_error("retire_executor"))?;
        // This process may end now.
        self.tell_all(retired.claimable > 0, retired.enqueued > 0)
            .await;
        let released = retired.claimable + retired.enqueued;
        Ok(RetireOutcome::new(released.cast_unsigned()))
    }
}

async fn register(
    database: &Database,
    request: &RegisterExecutor,
) -> Result<RegisterOutcome, Failure> {
    let texts = [&request.app, &request.executor_id, &request.version]
        .into_iter()
        .chain(&request.host)
        .chain(&request.process);
    check(texts.map(String::as_str), None, [])?;

    let mut work = database.transaction(Access::Write).await?;
    // One life after the other: of two that register at once, the second must see the first.
    let key = format!(
        "durable executor {:?} {:?} {:?}",
        database.schema().name(),
        request.app,
        request.executor_id
    );
    let lock = database.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
    work.fetch(lock.bind(key)).await?;

    let known = database
        .query("SELECT 1 FROM {schema}.executors WHERE incarnation = $1")
        .bind(request.incarnation.0);
    if !work.fetch(known).await?.is_empty() {
        return Ok(RegisterOutcome::default());
    }
    let supersede = database
        .query(
            "DELETE FROM {schema}.executors WHERE app = $1 AND executor_id = $2
             RETURNING incarnation",
        )
        .bind(&request.app)
        .bind(&request.executor_id);
    let superseded = work.fetch(supersede).await?;
    let superseded: Result<Vec<_>, _> = superseded
        .iter()
        .map(|row| column(row, "incarnation").map(Incarnation))
        .collect();
    let insert = database
        .query(
            "INSERT INTO {schema}.executors
                (incarnation, app, executor_id, version, host, process, registered_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(request.incarnation.0)
        .bind(&request.app)
        .bind(&request.executor_id)
        .bind(&request.version)
        .bind(&request.host)
        .bind(&request.process)
        .bind(request.now.as_millis());
    work.fetch(insert).await?;
    work.commit().await?;
    Ok(RegisterOutcome::new(superseded?))
}

async fn settle(database: &Database, owner: Owner) -> Result<(), Failure> {
    check([], None, [owner])?;
    let query = database
        .query(
            "UPDATE {schema}.executors SET settled = greatest(settled, $2) WHERE incarnation = $1",
        )
        .bind(owner.incarnation.0)
        .bind(execution(owner));
    database.write(query).await?;
    Ok(())
}

async fn heartbeat(
    database: &Database,
    incarnation: Incarnation,
) -> Result<HeartbeatOutcome, Failure> {
    let query = database
        .query("UPDATE {schema}.executors SET beat = beat + 1 WHERE incarnation = $1 RETURNING 1")
        .bind(incarnation.0);
    Ok(match database.write(query).await?.is_empty() {
        false => HeartbeatOutcome::Alive,
        true => HeartbeatOutcome::Unknown,
    })
}

async fn list(database: &Database, app: &str) -> Result<Vec<ExecutorRecord>, Failure> {
    check([app], None, [])?;
    let query = database
        .query(
            "SELECT incarnation, app, executor_id, version, host, process, beat, registered_at
             FROM {schema}.executors WHERE app = $1 ORDER BY executor_id",
        )
        .bind(app);
    let rows = database.read(query).await?;
    rows.iter()
        .map(|row| {
            record::executor(row).map_err(|damage| {
                let message = format!("an executor of application `{app}` is damaged: {damage}");
                Failure::new(StoreErrorKind::Corrupt, message)
            })
        })
        .collect()
}

async fn expel(database: &Database, request: &ExpelExecutor) -> Result<ExpelOutcome, Failure> {
    // A beat that does not fit is none that the executor can have: NULL equals nothing.
    let beat = i64::try_from(request.beat).ok();
    let delete = database
        .query("DELETE FROM {schema}.executors WHERE incarnation = $1 AND beat = $2 RETURNING 1")
        .bind(request.incarnation.0)
        .bind(beat);
    if !database.write(delete).await?.is_empty() {
        return Ok(ExpelOutcome::Expelled);
    }
    let known = database
        .query("SELECT 1 FROM {schema}.executors WHERE incarnation = $1")
        .bind(request.incarnation.0);
    Ok(match database.read(known).await?.is_empty() {
        true => ExpelOutcome::Expelled,
        false => ExpelOutcome::Alive,
    })
}

/// How many workflows an executor handed back.
#[derive(Clone, Copy, Debug, Default)]
struct Retired {
    claimable: i64,
    /// Into their queues.
    enqueued: i64,
}

async fn retire(database: &Database, incarnation: Incarnation) -> Result<Retired, Failure> {
    let mut work = database.transaction(Access::Write).await?;
    // First the executor: an acceptance that is under way either commits before, and is handed back
    // by the next statement, or is refused.
    let delete = database
        .query("DELETE FROM {schema}.executors WHERE incarnation = $1")
        .bind(incarnation.0);
    work.fetch(delete).await?;
    let release = database
        .query(
            "WITH released AS (
                 UPDATE {schema}.workflows
                 SET owner_incarnation = NULL, owner_execution = NULL,
                     status = CASE WHEN queue IS NULL THEN status ELSE 'ENQUEUED' END
                 WHERE status = 'PENDING' AND owner_incarnation = $1
                 RETURNING queue
             )
             SELECT count(*) - count(queue) AS claimable, count(queue) AS enqueued FROM released",
        )
        .bind(incarnation.0);
    let rows = work.fetch(release).await?;
    let mut retired = Retired::default();
    if let Some(row) = rows.first() {
        retired.claimable = column(row, "claimable")?;
        retired.enqueued = column(row, "enqueued")?;
    }
    work.commit().await?;
    Ok(retired)
}
