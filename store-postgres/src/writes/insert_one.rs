use durable_api::{
    Timestamp,
    store::{
        InsertOutcome, InsertWorkflow, ParentCheckpoint, Payloads, StepRecord, StoreErrorKind,
        WorkflowRecord,
    },
};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{execution, roles};
use crate::{
    attributes,
    database::{Access, Database, Work},
    error::Failure,
    record::{self, STEP_COLUMNS, workflow_columns},
};

/// How often the answer may change under our eyes before the caller is asked to try again.
const ATTEMPTS: usize = 3;

/// Judges one workflow, step by step, in a transaction of its own.
pub(crate) async fn insert_one(
    database: &Database,
    request: &InsertWorkflow,
) -> Result<InsertOutcome, Failure> {
    for _ in 0..ATTEMPTS {
        let work = database.transaction(Access::Write).await?;
        let mut attempt = Attempt {
            database,
            request,
            work,
        };
        match attempt.judge().await? {
            Verdict::Commit(outcome) => {
                attempt.work.commit().await?;
                return Ok(outcome);
            }
            Verdict::Refuse(outcome) => return Ok(outcome),
            Verdict::Again => {}
        }
    }
    Err(Failure::new(
        StoreErrorKind::Contention,
        format!("workflow `{}` comes and goes", request.id),
    ))
}

/// What it means for a request that its id is that of a row.
pub(crate) fn met(request: &InsertWorkflow, row: WorkflowRecord) -> InsertOutcome {
    if (&row.app, &row.name) != (&request.app, &request.name) {
        InsertOutcome::Conflict(row)
    } else if row.owner == Some(request.owner) {
        InsertOutcome::Inserted
    } else {
        InsertOutcome::Existing(row)
    }
}

/// Reads the workflow with an id, without payloads.
pub(crate) fn find(database: &Database, id: &str) -> Query<'static, Postgres, PgArguments> {
    let columns = workflow_columns(Payloads::Omit);
    let sql = format!("SELECT {columns} FROM {{schema}}.workflows w WHERE w.id = $1");
    database.query(&sql).bind(id.to_owned())
}

/// What was [read](find).
pub(crate) fn found(id: &str, rows: &[PgRow]) -> Result<Option<WorkflowRecord>, Failure> {
    let record = rows
        .first()
        .map(|row| record::workflow(row, Payloads::Omit));
    record
        .transpose()
        .map_err(|damage| record::corrupt(id, &damage))
}

enum Verdict {
    Commit(InsertOutcome),
    /// Whatever was written is rolled back.
    Refuse(InsertOutcome),
    /// A row that was there is gone, or the other way round.
    Again,
}

struct Attempt<'a> {
    database: &'a Database,
    request: &'a InsertWorkflow,
    work: Work,
}

impl Attempt<'_> {
    async fn judge(&mut self) -> Result<Verdict, Failure> {
        if !self.is_registered().await? {
            return Ok(Verdict::Refuse(InsertOutcome::UnknownExecutor));
        }
        let mut missing_step = None;
        if let Some(parent) = &self.request.parent {
            if !self.owns(parent).await? {
                return Ok(Verdict::Refuse(InsertOutcome::ParentNotOwner));
            }
            match self.step(parent).await? {
                None => missing_step = Some(parent),
                Some(step) if step.child_id.as_ref() == Some(&self.request.id) => {}
                Some(step) => return Ok(Verdict::Refuse(InsertOutcome::StepTaken(step))),
            }
        }
        let outcome = if self.insert_row().await? {
            InsertOutcome::Inserted
        } else {
            match self.existing().await? {
                None => return Ok(Verdict::Again),
                Some(row) => match met(self.request, row) {
                    refusal @ InsertOutcome::Conflict(_) => return Ok(Verdict::Refuse(refusal)),
                    outcome => outcome,
                },
            }
        };
        if let Some(parent) = missing_step
            && !self.link(parent).await?
        {
            return Ok(Verdict::Again);
        }
        Ok(Verdict::Commit(outcome))
    }

    async fn is_registered(&mut self) -> Result<bool, Failure> {
        let query = self
            .database
            .query("SELECT 1 FROM {schema}.executors WHERE incarnation = $1 FOR KEY SHARE")
            .bind(self.request.owner.incarnation.0);
        Ok(!self.work.fetch(query).await?.is_empty())
    }

    async fn owns(&mut self, parent: &ParentCheckpoint) -> Result<bool, Failure> {
        let query = self
            .database
            .query(
                "SELECT 1 FROM {schema}.workflows
                 WHERE id = $1 AND status || '' = 'PENDING'
                   AND owner_incarnation = $2 AND owner_execution = $3
                 FOR SHARE",
            )
            .bind(&parent.workflow_id)
            .bind(parent.owner.incarnation.0)
            .bind(execution(parent.owner));
        Ok(!self.work.fetch(query).await?.is_empty())
    }

    async fn step(&mut self, parent: &ParentCheckpoint) -> Result<Option<StepRecord>, Failure> {
        let sql = format!(
            "SELECT {STEP_COLUMNS} FROM {{schema}}.steps s WHERE s.workflow_id = $1 AND s.step_id = $2"
        );
        let query = self
            .database
            .query(&sql)
            .bind(&parent.workflow_id)
            .bind(i64::from(parent.step_id));
        let rows = self.work.fetch(query).await?;
        rows.first()
            .map(|row| record::step_of(&parent.workflow_id, row))
            .transpose()
    }

    async fn insert_row(&mut self) -> Result<bool, Failure> {
        let request = self.request;
        let parent = request.parent.as_ref();
        let query = self
            .database
            .query(
                "INSERT INTO {schema}.workflows
                    (id, app, name, status, version, executor_id, owner_incarnation,
                     owner_execution, parent_id, parent_step, created_at, updated_at, started_at,
                     input_encoding, input, deadline, caller_user, caller_role, caller_roles,
                     attributes, trace_context)
                 VALUES ($1, $2, $3, 'PENDING', $4, $5, $6, $7, $8, $9, $10, $10, $10, $11, $12,
                         $13, $14, $15, $16::jsonb, $17::jsonb, $18)
                 ON CONFLICT (id) DO NOTHING
                 RETURNING 1",
            )
            .bind(&request.id)
            .bind(&request.app)
            .bind(&request.name)
            .bind(&request.version)
            .bind(&request.executor_id)
            .bind(request.owner.incarnation.0)
            .bind(execution(request.owner))
            .bind(parent.map(|parent| &parent.workflow_id))
            .bind(parent.map(|parent| i64::from(parent.step_id)))
            .bind(request.now.as_millis())
            .bind(&*request.input.encoding)
            .bind(&*request.input.bytes)
            .bind(request.deadline.map(Timestamp::as_millis))
            .bind(&request.caller.user)
            .bind(&request.caller.assumed_role)
            .bind(roles(&request.caller))
            .bind(attributes::encode(&request.attributes))
            .bind(&request.trace_context);
        Ok(!self.work.fetch(query).await?.is_empty())
    }

    async fn existing(&mut self) -> Result<Option<WorkflowRecord>, Failure> {
        let query = find(self.database, &self.request.id);
        found(&self.request.id, &self.work.fetch(query).await?)
    }

    async fn link(&mut self, parent: &ParentCheckpoint) -> Result<bool, Failure> {
        let query = self
            .database
            .query(
                "INSERT INTO {schema}.steps
                    (workflow_id, step_id, name, child_id, started_at, completed_at)
                 VALUES ($1, $2, $3, $4, $5, $5)
                 ON CONFLICT (workflow_id, step_id) DO NOTHING
                 RETURNING 1",
            )
            .bind(&parent.workflow_id)
            .bind(i64::from(parent.step_id))
            .bind(&parent.step_name)
            .bind(&self.request.id)
            .bind(self.request.now.as_millis());
        Ok(!self.work.fetch(query).await?.is_empty())
    }
}
