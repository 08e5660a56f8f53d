use durable_api::store::{DamagedWorkflow, InsertOutcome, InsertWorkflow, ParentCheckpoint};
use sqlx::SqliteConnection;

use super::find;
use crate::{
    attributes::{attributes_column, index_attributes},
    executors::is_registered,
    record::corrupt,
    sql::{Value, json_texts, query, values},
    steps::{execution, find_step, owned},
    writer::{Quick, Trouble, Write},
};

impl Write for InsertWorkflow {
    type Answer = InsertOutcome;

    const OPERATION: &'static str = "insert_workflow";

    fn size(&self) -> usize {
        self.input.bytes.len()
    }

    fn quick(&self) -> Option<Quick<InsertOutcome>> {
        if self.parent.is_some() || !self.attributes.is_empty() {
            return None;
        }
        Some(Quick {
            sql: INSERT,
            values: insert_values(self),
            done: InsertOutcome::Inserted,
        })
    }

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<InsertOutcome, Trouble> {
        if !is_registered(connection, self.owner.incarnation).await? {
            return Ok(InsertOutcome::UnknownExecutor);
        }
        let checkpoint = match &self.parent {
            None => Checkpoint::Written,
            Some(parent) => judge(connection, parent, &self.id).await?,
        };
        let parent_row = match checkpoint {
            Checkpoint::Refused(outcome) => return Ok(*outcome),
            Checkpoint::Written => None,
            Checkpoint::Wanted(row) => Some(row),
        };
        let existing = find(connection, &self.id)
            .await?
            .transpose()
            .map_err(|damaged| corrupt(Self::OPERATION, &damaged))?;
        let outcome = match existing {
            Some(row) if (&row.app, &row.name) != (&self.app, &self.name) => {
                return Ok(InsertOutcome::Conflict(row));
            }
            Some(row) if row.owner == Some(self.owner) => InsertOutcome::Inserted,
            Some(row) => InsertOutcome::Existing(row),
            None => {
                let inserted = query(INSERT, insert_values(self))
                    .execute(&mut *connection)
                    .await?;
                if !self.attributes.is_empty() {
                    let row = inserted.last_insert_rowid();
                    index_attributes(connection, row, &self.attributes).await?;
                }
                InsertOutcome::Inserted
            }
        };
        if let (Some(parent), Some(row)) = (&self.parent, parent_row) {
            query(
                "INSERT INTO steps (workflow, step_id, name, child_id, started_at, completed_at) \
                 VALUES (?, ?, ?, ?, ?, ?)",
                values![
                    row,
                    parent.step_id,
                    parent.step_name.as_str(),
                    self.id.as_str(),
                    self.now,
                    self.now,
                ],
            )
            .execute(connection)
            .await?;
        }
        Ok(outcome)
    }
}

/// Inserts for an executor that is registered, unless the id exists.
const INSERT: &str = "INSERT INTO workflows (id, app, name, status, version, executor_id, \
    owner_incarnation, owner_execution, recovery_attempts, parent_id, parent_step, deadline, \
    caller_user, caller_role, caller_roles, attributes, trace_context, \
    created_at, updated_at, started_at, input_encoding, input) \
    SELECT ?, ?, ?, 'PENDING', ?, ?, incarnation, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? \
    FROM executors WHERE incarnation = ? \
    ON CONFLICT DO NOTHING";

fn insert_values(request: &InsertWorkflow) -> Vec<Value> {
    let parent = request.parent.as_ref();
    let caller = &request.caller;
    values![
        request.id.as_str(),
        request.app.as_str(),
        request.name.as_str(),
        request.version.as_deref(),
        request.executor_id.as_str(),
        execution(request.owner),
        parent.map(|parent| parent.workflow_id.as_str()),
        parent.map(|parent| parent.step_id),
        request.deadline,
        caller.user.as_deref(),
        caller.assumed_role.as_deref(),
        (!caller.roles.is_empty()).then(|| json_texts(caller.roles.iter().map(String::as_str))),
        attributes_column(&request.attributes),
        request.trace_context.as_deref(),
        request.now,
        request.now,
        request.now,
        &*request.input.encoding,
        &request.input.bytes,
        request.owner.incarnation,
    ]
}

/// How a child stands with its parent's step.
enum Checkpoint {
    /// It is to be written, to the parent in this row.
    Wanted(i64),
    /// It is written, or the workflow has no parent.
    Written,
    /// The child cannot be started.
    Refused(Box<InsertOutcome>),
}

async fn judge(
    connection: &mut SqliteConnection,
    parent: &ParentCheckpoint,
    child_id: &str,
) -> Result<Checkpoint, Trouble> {
    let Some(row) = owned(connection, &parent.workflow_id, parent.owner).await? else {
        return Ok(Checkpoint::Refused(Box::new(InsertOutcome::ParentNotOwner)));
    };
    let step = find_step(connection, row, parent.step_id)
        .await?
        .transpose()
        .map_err(|reason| {
            corrupt(
                InsertWorkflow::OPERATION,
                &DamagedWorkflow::new(&parent.workflow_id, reason),
            )
        })?;
    Ok(match step {
        None => Checkpoint::Wanted(row),
        Some(step) if step.child_id.as_deref() == Some(child_id) => Checkpoint::Written,
        Some(step) => Checkpoint::Refused(Box::new(InsertOutcome::StepTaken(step))),
    })
}
