use std::path::Path;

use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{DamagedWorkflow, Outcome, StepRecord, StepRef, StoreResult},
};
use sqlx::{Executor as _, SqliteConnection, SqlitePool, raw_sql};

use super::{
    OPERATION,
    ledger::{Ledger, Standing},
};
use crate::{
    SqliteOptions,
    error::{Failure, Phase, check_texts, is_busy},
    patience::Patience,
    record::{corrupt, step as read_step},
    sql::{Value, query, values},
    writer::Trouble,
};

/// The outcomes that committed in a database of the user's.
#[derive(Clone)]
pub(super) struct Completions {
    pool: SqlitePool,
    path: std::path::PathBuf,
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS main.durable_completions (
    workflow_id      TEXT    NOT NULL,
    step_id          INTEGER NOT NULL,
    name             TEXT    NOT NULL,
    failed           INTEGER,
    started_at       INTEGER NOT NULL,
    completed_at     INTEGER NOT NULL,
    outcome_encoding TEXT,
    outcome          BLOB,
    PRIMARY KEY (workflow_id, step_id)
) STRICT, WITHOUT ROWID";

/// Without what it says of earlier calls, because that is for the execution that writes the checkpoint to say.
const FIND: &str = "SELECT workflow_id, step_id, name, NULL AS child_id, started_at, completed_at, failed, \
    outcome_encoding, outcome, NULL AS completions FROM main.durable_completions WHERE workflow_id = ? AND step_id = ?";

const SEAL: &str = "INSERT INTO main.durable_completions \
    (workflow_id, step_id, name, failed, started_at, completed_at, outcome_encoding, outcome) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

impl Completions {
    /// The table, which is made if there is none.
    pub(super) async fn create(pool: SqlitePool) -> StoreResult<Self> {
        let path = pool.connect_options().get_filename().to_owned();
        let completions = Self { pool, path };
        let mut patience = Patience::new(SqliteOptions::DEFAULT_BUSY_TIMEOUT);
        loop {
            match completions.pool.execute(raw_sql(CREATE)).await {
                Ok(_) => return Ok(completions),
                Err(error) if is_busy(&error) && patience.wait().await => {}
                Err(error) => {
                    let failure = Failure::new(Phase::Open, error);
                    return Err(failure.report("connect", &completions.path));
                }
            }
        }
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Removes what was completed before an instant. Answers how many.
    pub(super) async fn prune(&self, before: Timestamp) -> StoreResult<u64> {
        let sql = "DELETE FROM main.durable_completions WHERE completed_at < ?";
        self.delete("prune", sql, values![before]).await
    }

    /// Removes what a workflow completed. Answers how much.
    pub(super) async fn forget(&self, workflow_id: &str) -> StoreResult<u64> {
        let sql = "DELETE FROM main.durable_completions WHERE workflow_id = ?";
        self.delete("forget", sql, values![workflow_id]).await
    }

    async fn delete(
        &self,
        operation: &'static str,
        sql: &'static str,
        values: Vec<Value>,
    ) -> StoreResult<u64> {
        let deleted = query(sql, values).execute(&self.pool).await;
        deleted
            .map(|done| done.rows_affected())
            .map_err(|error| Failure::new(Phase::Commit, error).report(operation, &self.path))
    }
}

#[async_trait]
impl Ledger for Completions {
    fn path(&self) -> &Path {
        &self.path
    }

    async fn judge(
        &self,
        connection: &mut SqliteConnection,
        step: &StepRef,
    ) -> Result<Standing, Trouble> {
        let found = query(FIND, values![step.workflow_id.as_str(), step.step_id])
            .fetch_optional(connection)
            .await?;
        let record = found
            .as_ref()
            .map(read_step)
            .transpose()
            .map_err(|reason| {
                corrupt(OPERATION, &DamagedWorkflow::new(&step.workflow_id, reason))
            })?;
        Ok(record.map_or(Standing::Clear, Standing::Recorded))
    }

    async fn seal(
        &self,
        connection: &mut SqliteConnection,
        step: &StepRef,
        record: StepRecord,
    ) -> Result<bool, Trouble> {
        let outcome = record.outcome.as_ref();
        let encoding = outcome.map(|outcome| &*outcome.payload().encoding);
        let texts = [step.workflow_id.as_str(), &record.name];
        check_texts(OPERATION, texts.into_iter().chain(encoding))?;
        let values = values![
            step.workflow_id.as_str(),
            record.step_id,
            record.name.as_str(),
            outcome.map(|outcome| i64::from(matches!(outcome, Outcome::Failure(_)))),
            record.started_at,
            record.completed_at,
            encoding,
            outcome.map_or(Value::Null, |outcome| Value::from(&outcome.payload().bytes)),
        ];
        let recorded = query(SEAL, values).execute(connection).await?;
        Ok(recorded.rows_affected() == 1)
    }
}
