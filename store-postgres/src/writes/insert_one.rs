use durable_api::store::{
    InsertOutcome, InsertWorkflow, ParentCheckpoint, Payloads, StepRecord, StoreErrorKind,
    WorkflowRecord,
};

use super::{execution, insert_row::insert_row};
use crate::{
    database::{Access, Database, WorkOn},
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
        let mut work = database.transaction(Access::Write).await?;
        let mut attempt = Attempt {
            database,
            request,
            work: &mut work,
        };
        match attempt.judge().await? {
            Verdict::Commit(outcome) => {
                work.commit().await?;
                return Ok(outcome);
            }
            Verdict::Refuse(outcome) => {
                work.roll_back().await;
                return Ok(outcome);
            }
            Verdict::Again => {}
        }
    }
    Err(comes_and_goes(request))
}

/// Judges one workflow that has no parent, within a transaction. If nothing was written for it, the outcome says so.
pub(crate) async fn insert_within(
    database: &Database,
    work: &mut WorkOn<'_>,
    request: &InsertWorkflow,
) -> Result<InsertOutcome, Failure> {
    for _ in 0..ATTEMPTS {
        let mut attempt = Attempt {
            database,
            request,
            work,
        };
        match attempt.judge().await? {
            Verdict::Commit(outcome) | Verdict::Refuse(outcome) => return Ok(outcome),
            Verdict::Again => {}
        }
    }
    Err(comes_and_goes(request))
}

fn comes_and_goes(request: &InsertWorkflow) -> Failure {
    Failure::new(
        StoreErrorKind::Contention,
        format!("workflow `{}` comes and goes", request.id),
    )
}

enum Verdict {
    Commit(InsertOutcome),
    /// Nothing was written.
    Refuse(InsertOutcome),
    /// A row that was there is gone, or the other way round.
    Again,
}

pub(super) struct Attempt<'a, 'c> {
    pub(super) database: &'a Database,
    pub(super) request: &'a InsertWorkflow,
    pub(super) work: &'a mut WorkOn<'c>,
}

impl Attempt<'_, '_> {
    async fn judge(&mut self) -> Result<Verdict, Failure> {
        let request = self.request;
        if request.enqueue.is_none() && !self.is_registered().await? {
            return Ok(Verdict::Refuse(InsertOutcome::UnknownExecutor));
        }
        let mut missing_step = None;
        if let Some(parent) = &request.parent {
            if !self.owns(parent).await? {
                return Ok(Verdict::Refuse(InsertOutcome::ParentNotOwner));
            }
            match self.step(parent).await? {
                None => missing_step = Some(parent),
                Some(step) if step.child_id.as_ref() == Some(&request.id) => {}
                Some(step) => {
                    let given = self.given_before(step).await?;
                    return Ok(Verdict::Refuse(given));
                }
            }
        }
        let outcome = match self.place().await? {
            None => return Ok(Verdict::Again),
            Some(outcome @ InsertOutcome::Conflict(_)) => return Ok(Verdict::Refuse(outcome)),
            Some(outcome) => outcome,
        };
        if let Some(parent) = missing_step {
            let child = match &outcome {
                InsertOutcome::Debounced(id) | InsertOutcome::Deduplicated(id) => id,
                _ => &request.id,
            };
            if !self.link(parent, child).await? {
                return Ok(Verdict::Again);
            }
        }
        Ok(Verdict::Commit(outcome))
    }

    /// The workflow's own place, or the one that stands in for it. Nothing, if that changed meanwhile.
    async fn place(&mut self) -> Result<Option<InsertOutcome>, Failure> {
        let enqueue = self.request.enqueue.as_ref();
        if let Some((enqueue, debounce)) =
            enqueue.and_then(|enqueue| Some((enqueue, enqueue.debounce.as_ref()?)))
        {
            if let Some(id) = self.debounced_before(debounce).await? {
                return Ok(Some(InsertOutcome::Debounced(id)));
            }
            if let Some(row) = self.existing().await? {
                return Ok(Some(self.met(row)));
            }
            if let Some(id) = self.push_back(enqueue, debounce).await? {
                return Ok(Some(InsertOutcome::Debounced(id)));
            }
        }
        if insert_row(self.database, self.work, self.request).await? {
            return Ok(Some(InsertOutcome::Inserted));
        }
        if let Some(row) = self.existing().await? {
            return Ok(Some(self.met(row)));
        }
        let holder = match enqueue {
            Some(enqueue) => self.holder(enqueue).await?,
            None => None,
        };
        Ok(holder.map(InsertOutcome::Deduplicated))
    }

    /// What it means that there is a workflow of that id.
    fn met(&self, row: WorkflowRecord) -> InsertOutcome {
        let request = self.request;
        let queue = request.enqueue.as_ref().map(|enqueue| &enqueue.queue);
        if (&row.app, &row.name, row.queue.as_ref()) != (&request.app, &request.name, queue) {
            return InsertOutcome::Conflict(row);
        }
        match queue {
            None if row.owner == Some(request.owner) => InsertOutcome::Inserted,
            _ => InsertOutcome::Existing(row),
        }
    }

    /// The parent's step names another child: because this same request was told of it before, or not.
    async fn given_before(&mut self, step: StepRecord) -> Result<InsertOutcome, Failure> {
        let (Some(child), Some(enqueue)) = (&step.child_id, &self.request.enqueue) else {
            return Ok(InsertOutcome::StepTaken(step));
        };
        if let Some(debounce) = &enqueue.debounce
            && self.debounced_before(debounce).await?.as_ref() == Some(child)
        {
            return Ok(InsertOutcome::Debounced(child.clone()));
        }
        if self.has_deduplication_id(child, enqueue).await? {
            return Ok(InsertOutcome::Deduplicated(child.clone()));
        }
        Ok(InsertOutcome::StepTaken(step))
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

    async fn existing(&mut self) -> Result<Option<WorkflowRecord>, Failure> {
        let columns = workflow_columns(Payloads::Omit);
        let sql = format!("SELECT {columns} FROM {{schema}}.workflows w WHERE w.id = $1");
        let query = self.database.query(&sql).bind(&self.request.id);
        let rows = self.work.fetch(query).await?;
        let record = rows
            .first()
            .map(|row| record::workflow(row, Payloads::Omit));
        record
            .transpose()
            .map_err(|damage| record::corrupt(&self.request.id, &damage))
    }

    async fn link(&mut self, parent: &ParentCheckpoint, child: &str) -> Result<bool, Failure> {
        let query = self
            .database
            .query(
                "INSERT INTO {schema}.steps
                    (workflow_id, step_id, name, child_id, started_at, completed_at, completions)
                 VALUES ($1, $2, $3, $4, $5, $5, $6)
                 ON CONFLICT (workflow_id, step_id) DO NOTHING
                 RETURNING 1",
            )
            .bind(&parent.workflow_id)
            .bind(i64::from(parent.step_id))
            .bind(&parent.step_name)
            .bind(child.to_owned())
            .bind(self.request.now.as_millis())
            .bind(&parent.completions);
        Ok(!self.work.fetch(query).await?.is_empty())
    }
}
