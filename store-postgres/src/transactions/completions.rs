use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{Outcome, StepRecord, StepRef, StoreErrorKind},
};
use sqlx::{
    AssertSqlSafe, PgConnection, Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::ledger::{Ledger, Sealed, Standing};
use crate::{
    database::{Connections, Schema},
    error::{Failure, Stage},
    record::{self, column},
};

/// The outcomes that committed in a database of the user's.
#[derive(Clone)]
pub(super) struct Completions {
    connections: Connections,
    schema: Schema,
}

/// The primary key is what makes an effect happen once: of two executions that race, the second waits for the first one's
/// commit, and then writes nothing.
const CREATE: &str = "
CREATE TABLE IF NOT EXISTS {schema}.durable_completions (
    workflow_id text COLLATE \"C\" NOT NULL,
    step_id bigint NOT NULL,
    name text COLLATE \"C\" NOT NULL,
    failed boolean,
    started_at bigint NOT NULL,
    completed_at bigint NOT NULL,
    outcome_encoding text COLLATE \"C\",
    outcome bytea,
    PRIMARY KEY (workflow_id, step_id)
)";

const FIND: &str = "
SELECT workflow_id, step_id, name, failed, NULL::text AS child_id, started_at, completed_at,
       outcome_encoding, outcome, NULL::text AS completions
FROM {schema}.durable_completions
WHERE workflow_id = $1 AND step_id = $2";

const SEAL: &str = "
WITH recorded AS (
    INSERT INTO {schema}.durable_completions (workflow_id, step_id, name, failed, started_at,
                                              completed_at, outcome_encoding, outcome)
    SELECT $2, $3, $4, $5, $6, $7, $8, $9
    WHERE current_setting('durable.transaction', true) = $1
    ON CONFLICT (workflow_id, step_id) DO NOTHING
    RETURNING 1
)
SELECT coalesce(current_setting('durable.transaction', true), '') = $1 AS same,
       EXISTS (SELECT FROM recorded) AS recorded";

impl Completions {
    /// The table, which is made if there is none.
    pub(super) async fn create(connections: Connections, schema: Schema) -> Result<Self, Failure> {
        let completions = Self {
            connections,
            schema,
        };
        if !completions.exists().await? {
            completions.create_table().await?;
        }
        Ok(completions)
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    pub(super) fn schema_name(&self) -> &str {
        self.schema.name()
    }

    /// Removes what was completed before an instant. Answers how many.
    pub(super) async fn prune(&self, before: Timestamp) -> Result<u64, Failure> {
        let sql = "DELETE FROM {schema}.durable_completions WHERE completed_at < $1";
        self.delete(self.query(sql).bind(before.as_millis())).await
    }

    /// Removes what a workflow completed. Answers how much.
    pub(super) async fn forget(&self, workflow_id: &str) -> Result<u64, Failure> {
        let sql = "DELETE FROM {schema}.durable_completions WHERE workflow_id = $1";
        self.delete(self.query(sql).bind(workflow_id)).await
    }

    async fn exists(&self) -> Result<bool, Failure> {
        let found = sqlx::query(
            "SELECT 1 FROM pg_catalog.pg_class c
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = 'durable_completions'",
        );
        let mut connection = self.connections.acquire().await.map_err(uncommitted)?;
        let found = found.bind(self.schema.name()).fetch_all(&mut *connection);
        let found = self.watch(found).await;
        found.map(|rows| !rows.is_empty()).map_err(uncommitted)
    }

    async fn create_table(&self) -> Result<(), Failure> {
        // Under a lock, because `IF NOT EXISTS` alone fails when two create it at the same time.
        let mut transaction = self.connections.begin("BEGIN").await.map_err(uncommitted)?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("durable completions {:?}", self.schema.name()))
            .execute(&mut *transaction)
            .await
            .map_err(uncommitted)?;
        let created = self.query(CREATE).execute(&mut *transaction).await;
        created.map_err(|error| {
            uncommitted(error).with_message(format!(
                "table `durable_completions` cannot be created in schema `{}`: the schema must exist, and this needs \
                 CREATE on it",
                self.schema.name()
            ))
        })?;
        let committed = transaction.commit().await;
        committed.map_err(|error| Failure::from_driver(error, Stage::Committing))
    }

    async fn find(&self, step: &StepRef) -> Result<Option<StepRecord>, Failure> {
        let query = self
            .query(FIND)
            .bind(&step.workflow_id)
            .bind(i64::from(step.step_id));
        let mut connection = self.connections.acquire().await.map_err(uncommitted)?;
        let row: Option<PgRow> = self
            .watch(query.fetch_optional(&mut *connection))
            .await
            .map_err(|error| self.failed(error, Stage::Uncommitted))?;
        row.map(|row| record::step_of(&step.workflow_id, &row))
            .transpose()
    }

    async fn delete(
        &self,
        statement: Query<'static, Postgres, PgArguments>,
    ) -> Result<u64, Failure> {
        let mut connection = self.connections.acquire().await.map_err(uncommitted)?;
        match self.watch(statement.execute(&mut *connection)).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(self.failed(error, Stage::Committing)),
        }
    }

    async fn watch<T: Send>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, sqlx::Error> {
        let moves = self.connections.moves();
        self.connections.watch(moves, work).await
    }

    fn query(&self, template: &str) -> Query<'static, Postgres, PgArguments> {
        let sql = template.replace("{schema}", self.schema.quoted());
        sqlx::query(AssertSqlSafe(sql))
    }

    fn failed(&self, error: sqlx::Error, stage: Stage) -> Failure {
        self.connections.note(&error);
        let failure = Failure::from_driver(error, stage);
        match failure.kind {
            StoreErrorKind::Incompatible => failure.with_message(format!(
                "table `durable_completions` in schema `{}` is missing or not ours: connect the data source again",
                self.schema.name()
            )),
            _ => failure,
        }
    }
}

#[async_trait]
impl Ledger for Completions {
    async fn judge(&self, step: &StepRef) -> Result<Standing, Failure> {
        let found = self.find(step).await?;
        Ok(found.map_or(Standing::Clear, Standing::Recorded))
    }

    async fn seal(
        &self,
        connection: &mut PgConnection,
        marker: &str,
        step: &StepRef,
        record: &StepRecord,
    ) -> Result<Sealed, Failure> {
        let outcome = record.outcome.as_ref();
        let query = self
            .query(SEAL)
            .bind(marker)
            .bind(&step.workflow_id)
            .bind(i64::from(record.step_id))
            .bind(&record.name)
            .bind(outcome.map(|outcome| matches!(outcome, Outcome::Failure(_))))
            .bind(record.started_at.as_millis())
            .bind(record.completed_at.as_millis())
            .bind(outcome.map(|outcome| &*outcome.payload().encoding))
            .bind(outcome.map(|outcome| &*outcome.payload().bytes));
        let row = query
            .fetch_one(connection)
            .await
            .map_err(|error| self.failed(error, Stage::Uncommitted))?;
        let (same, recorded): (bool, bool) = (column(&row, "same")?, column(&row, "recorded")?);
        Ok(match (same, recorded) {
            (false, _) => Sealed::Gone,
            (true, false) => Sealed::Taken,
            (true, true) => Sealed::Written,
        })
    }
}

fn uncommitted(error: sqlx::Error) -> Failure {
    Failure::from_driver(error, Stage::Uncommitted)
}
