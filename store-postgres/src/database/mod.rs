//! The pool, the schema, and the unit of work that all operations are made of.
mod begin;
mod connections;
mod fencing;
mod hosts;
mod planner;
mod route;
mod schema;
mod server;
mod warm;
mod work;

use std::{fmt, sync::Arc, time::Duration};

use durable_api::store::StoreErrorKind;
use sqlx::{AssertSqlSafe, Postgres, postgres::PgArguments, query::Query};

pub(crate) use connections::{Connections, close_distrusted};
pub(crate) use fencing::Fencing;
pub(crate) use hosts::{Hosts, SessionAttrs};
pub(crate) use route::Route;
pub(crate) use schema::Schema;
pub(crate) use server::Server;
pub(crate) use work::{Access, Work, WorkOn};

use crate::error::{Failure, Stage};

/// Where the store's tables are, and how to reach them. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Database {
    connections: Connections,
    schema: Arc<Schema>,
    transaction_pooling: bool,
    /// What each write through this handle depends on.
    fencing: Option<Arc<Fencing>>,
}

impl Database {
    pub(crate) fn new(connections: Connections, schema: Schema, transaction_pooling: bool) -> Self {
        Self {
            connections,
            schema: Arc::new(schema),
            transaction_pooling,
            fencing: None,
        }
    }

    /// A handle by which everything is written under a fence.
    pub(crate) fn fenced(&self, fencing: Fencing) -> Self {
        Self {
            fencing: Some(Arc::new(fencing)),
            ..self.clone()
        }
    }

    /// Whether this handle writes on behalf of an execution.
    pub(crate) fn is_fenced(&self) -> bool {
        self.fencing.is_some()
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The text of a statement, with `{schema}` filled in, and `{number}`, which draws the next of the schema's numbers.
    pub(crate) fn sql(&self, template: &str) -> String {
        let mut parts = template.split("{number}");
        let mut text = String::with_capacity(template.len() + 64);
        text.extend(parts.next().map(|part| self.fill(part)));
        for part in parts {
            text.push_str(self.schema.next_number());
            text.push_str(&self.fill(part));
        }
        text
    }

    fn fill(&self, template: &str) -> String {
        template.replace("{schema}", self.schema.quoted())
    }

    /// A statement on our tables; `{schema}` in the template is filled in.
    pub(crate) fn query(&self, template: &str) -> Query<'static, Postgres, PgArguments> {
        self.prepared(self.sql(template).into())
    }

    /// A statement that [`sql`](Self::sql) has made before.
    pub(crate) fn prepared(&self, text: Arc<str>) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(text)).persistent(!self.transaction_pooling)
    }

    /// A unit of work of exactly one statement, which commits by itself.
    pub(crate) async fn single(&self, access: Access) -> Result<Work, Failure> {
        // Parse and Bind travel apart under pooling; only a transaction keeps them on one server connection, and a fence with what it
        // guards.
        if self.transaction_pooling || (self.is_fenced() && access == Access::Write) {
            return self.transaction(access).await;
        }
        let lent = self.connections.lend().await;
        let lent = lent.map_err(|error| self.unreached(error))?;
        Ok(Work::single(self.connections.clone(), lent, access))
    }

    /// A unit of work of any number of statements.
    pub(crate) async fn transaction(&self, access: Access) -> Result<Work, Failure> {
        self.begin(access, begin_statement(access)).await
    }

    /// As [`transaction`](Self::transaction), of statements that are planned for their arguments each time: how many rows meet
    /// them decides which index serves best.
    pub(crate) async fn planned(&self, access: Access) -> Result<Work, Failure> {
        let begin = begin_statement(access);
        let statement = format!("{begin}; SET LOCAL plan_cache_mode = force_custom_plan");
        self.begin(access, AssertSqlSafe(statement)).await
    }

    async fn begin(
        &self,
        access: Access,
        statement: impl sqlx::SqlSafeStr,
    ) -> Result<Work, Failure> {
        let transaction = self.connections.begin(statement).await;
        let transaction = transaction.map_err(|error| self.unreached(error))?;
        let mut work = Work::transaction(self.connections.clone(), transaction, access);
        if let (Some(fencing), Access::Write) = (&self.fencing, access)
            && let Err(refusal) = fencing.judge(self, &mut work).await
        {
            work.roll_back().await;
            return Err(refusal);
        }
        Ok(work)
    }

    /// Reads with one statement.
    pub(crate) async fn read(
        &self,
        query: Query<'static, Postgres, PgArguments>,
    ) -> Result<Vec<sqlx::postgres::PgRow>, Failure> {
        let mut work = self.single(Access::Read).await?;
        let rows = work.fetch(query).await?;
        work.commit().await?;
        Ok(rows)
    }

    /// Writes with one statement.
    pub(crate) async fn write(
        &self,
        query: Query<'static, Postgres, PgArguments>,
    ) -> Result<Vec<sqlx::postgres::PgRow>, Failure> {
        let mut work = self.single(Access::Write).await?;
        let rows = work.fetch(query).await?;
        work.commit().await?;
        Ok(rows)
    }

    /// `host:port/database`, without credentials.
    pub(crate) fn location(&self) -> String {
        self.connections.location()
    }

    /// How long an operation waits for a connection.
    pub(crate) fn acquire_timeout(&self) -> Duration {
        self.connections.timeout()
    }

    fn unreached(&self, error: sqlx::Error) -> Failure {
        let timed_out = matches!(error, sqlx::Error::PoolTimedOut);
        let failure = Failure::from_driver(error, Stage::Uncommitted);
        match failure.kind {
            StoreErrorKind::Unavailable if timed_out => {
                let timeout = self.acquire_timeout();
                failure.with_message(format!(
                    "no connection to {} within {timeout:?}",
                    self.location()
                ))
            }
            _ => failure.with_message(self.location()),
        }
    }
}

/// READ COMMITTED whatever the role's default: the statements rely on seeing what was committed while they waited for a lock.
fn begin_statement(access: Access) -> &'static str {
    match access {
        Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("location", &self.location())
            .field("schema", &self.schema.name())
            .field("transaction_pooling", &self.transaction_pooling)
            .finish_non_exhaustive()
    }
}
