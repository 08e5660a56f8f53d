use async_trait::async_trait;
use durable_api::store::{
    ExecutorRecord, ExecutorStore, ExpelExecutor, ExpelOutcome, HeartbeatOutcome, Incarnation,
    Owner, RegisterExecutor, RegisterOutcome, RetireOutcome, StoreError, StoreErrorKind,
    StoreResult,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    SqliteStore,
    error::check_texts,
    record::{get, incarnation, number, time},
    sql::{query, values},
    steps::{check_owner, execution},
    writer::{Hints, Quick, Trouble, Write},
};

#[async_trait]
impl ExecutorStore for SqliteStore {
    async fn register_executor(&self, request: RegisterExecutor) -> StoreResult<RegisterOutcome> {
        check_texts(
            RegisterExecutor::OPERATION,
            [request.app.as_str(), &request.executor_id, &request.version]
                .into_iter()
                .chain(request.host.as_deref())
                .chain(request.process.as_deref()),
        )?;
        self.write(request).await
    }

    async fn heartbeat(&self, incarnation: Incarnation) -> StoreResult<HeartbeatOutcome> {
        self.write(Heartbeat(incarnation)).await
    }

    async fn settle(&self, owner: Owner) -> StoreResult<()> {
        check_owner(Settle::OPERATION, owner)?;
        self.write(Settle(owner)).await
    }

    async fn list_executors(&self, app: &str) -> StoreResult<Vec<ExecutorRecord>> {
        let rows = self
            .readers
            .fetch_all(
                "list_executors",
                "SELECT incarnation, app, executor_id, version, host, process, beat, registered_at \
                 FROM executors WHERE app = ? ORDER BY executor_id",
                values![app],
            )
            .await?;
        rows.iter()
            .map(executor)
            .collect::<Result<_, _>>()
            .map_err(|reason| {
                StoreError::new(StoreErrorKind::Corrupt, "list_executors")
                    .with_message(format!("an executor of application `{app}`: {reason}"))
            })
    }

    async fn expel_executor(&self, request: ExpelExecutor) -> StoreResult<ExpelOutcome> {
        self.write(request).await
    }

    async fn retire_executor(&self, incarnation: Incarnation) -> StoreResult<RetireOutcome> {
        let retired = self.write(Retire(incarnation)).await?;
        Ok(RetireOutcome::new(retired.released))
    }
}

impl Write for RegisterExecutor {
    type Answer = RegisterOutcome;

    const OPERATION: &'static str = "register_executor";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<RegisterOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<RegisterOutcome, Trouble> {
        if is_registered(connection, self.incarnation).await? {
            return Ok(RegisterOutcome::default());
        }
        let superseded = query(
            "DELETE FROM executors WHERE app = ? AND executor_id = ? RETURNING incarnation",
            values![self.app.as_str(), self.executor_id.as_str()],
        )
        .fetch_all(&mut *connection)
        .await?;
        query(
            "INSERT INTO executors (incarnation, app, executor_id, version, host, process, beat, registered_at) \
             VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            values![
                self.incarnation,
                self.app.as_str(),
                self.executor_id.as_str(),
                self.version.as_str(),
                self.host.as_deref(),
                self.process.as_deref(),
                self.now,
            ],
        )
        .execute(connection)
        .await?;
        // One that is no incarnation is gone, and nobody can have run by it.
        let superseded = superseded
            .iter()
            .filter_map(|row| incarnation(get(row, "incarnation").ok()?).ok());
        Ok(RegisterOutcome::new(superseded.collect()))
    }

    fn wake(&self, answer: &RegisterOutcome, hints: &mut Hints) {
        if !answer.superseded.is_empty() {
            hints.claimable();
        }
    }
}

struct Heartbeat(Incarnation);

impl Write for Heartbeat {
    type Answer = HeartbeatOutcome;

    const OPERATION: &'static str = "heartbeat";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<HeartbeatOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<HeartbeatOutcome, Trouble> {
        let moved = query(
            "UPDATE executors SET beat = beat + 1 WHERE incarnation = ?",
            values![self.0],
        )
        .execute(connection)
        .await?;
        Ok(match moved.rows_affected() {
            0 => HeartbeatOutcome::Unknown,
            _ => HeartbeatOutcome::Alive,
        })
    }
}

struct Settle(Owner);

impl Write for Settle {
    type Answer = ();

    const OPERATION: &'static str = "settle";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<()>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), Trouble> {
        query(
            "UPDATE executors SET settled = max(settled, ?) WHERE incarnation = ?",
            values![execution(self.0), self.0.incarnation],
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Write for ExpelExecutor {
    type Answer = ExpelOutcome;

    const OPERATION: &'static str = "expel_executor";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<ExpelOutcome>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<ExpelOutcome, Trouble> {
        // A beat too large for SQLite is not the stored one.
        if let Ok(beat) = i64::try_from(self.beat) {
            query(
                "DELETE FROM executors WHERE incarnation = ? AND beat = ?",
                values![self.incarnation, beat],
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(if is_registered(connection, self.incarnation).await? {
            ExpelOutcome::Alive
        } else {
            ExpelOutcome::Expelled
        })
    }

    fn wake(&self, answer: &ExpelOutcome, hints: &mut Hints) {
        if *answer == ExpelOutcome::Expelled {
            hints.claimable();
        }
    }
}

struct Retire(Incarnation);

/// How many workflows an executor handed back, and how many of them to their queues.
struct Retired {
    released: u64,
    enqueued: u64,
}

impl Write for Retire {
    type Answer = Retired;

    const OPERATION: &'static str = "retire_executor";

    fn size(&self) -> usize {
        0
    }

    fn quick(&self) -> Option<Quick<Retired>> {
        None
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Retired, Trouble> {
        query(
            "DELETE FROM executors WHERE incarnation = ?",
            values![self.0],
        )
        .execute(&mut *connection)
        .await?;
        let enqueued = query(
            "UPDATE workflows SET status = 'ENQUEUED', owner_incarnation = NULL, owner_execution = NULL \
             WHERE status = 'PENDING' AND queue IS NOT NULL AND owner_incarnation = ?",
            values![self.0],
        )
        .execute(&mut *connection)
        .await?
        .rows_affected();
        let others = query(
            "UPDATE workflows SET owner_incarnation = NULL, owner_execution = NULL \
             WHERE status = 'PENDING' AND owner_incarnation = ?",
            values![self.0],
        )
        .execute(connection)
        .await?
        .rows_affected();
        Ok(Retired {
            released: enqueued + others,
            enqueued,
        })
    }

    fn wake(&self, answer: &Retired, hints: &mut Hints) {
        if answer.released > 0 {
            hints.claimable();
        }
        if answer.enqueued > 0 {
            hints.enqueued();
        }
    }
}

pub(crate) async fn is_registered(
    connection: &mut SqliteConnection,
    incarnation: Incarnation,
) -> Result<bool, sqlx::Error> {
    let row = query(
        "SELECT 1 FROM executors WHERE incarnation = ?",
        values![incarnation],
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// Whether a request of an execution to take work came too late for that; nothing, if its executor is not registered.
pub(crate) async fn is_settled(
    connection: &mut SqliteConnection,
    owner: Owner,
) -> Result<Option<bool>, sqlx::Error> {
    let row = query(
        "SELECT settled >= ? FROM executors WHERE incarnation = ?",
        values![execution(owner), owner.incarnation],
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| row.try_get(0)).transpose()
}

fn executor(row: &SqliteRow) -> Result<ExecutorRecord, String> {
    let mut request = RegisterExecutor::new(
        get::<String>(row, "app")?,
        get::<String>(row, "executor_id")?,
        incarnation(get(row, "incarnation")?)?,
        get::<String>(row, "version")?,
        time(row, "registered_at")?,
    );
    request.host = get(row, "host")?;
    request.process = get(row, "process")?;
    let mut record = ExecutorRecord::registered(request);
    record.beat = number(row, "beat")?;
    Ok(record)
}
