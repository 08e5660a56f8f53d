use durable_api::store::{DynConnection, InsertOutcome, InsertWorkflow, Wakeup};
use sqlx::PgConnection;

use super::{connection::downcast, not_from_a_step};
use crate::{
    PostgresStore,
    database::WorkOn,
    error::{Failure, Stage},
    workflows::check_insert,
    writes::insert_within,
};

pub(super) async fn insert(
    store: &PostgresStore,
    request: InsertWorkflow,
    connection: &mut DynConnection,
) -> Result<InsertOutcome, Failure> {
    let connection = downcast(connection)?;
    if let Some(parent) = &request.parent {
        return Err(not_from_a_step(&format!(
            "workflow `{}` has a parent, `{}`",
            request.id, parent.workflow_id
        )));
    }
    check_insert(&request)?;
    let mut work = WorkOn::within(&mut *connection);
    let outcome = insert_within(&store.database, &mut work, &request).await?;
    match outcome {
        InsertOutcome::Inserted if request.enqueue.is_none() => {
            tell(store, connection, Wakeup::Claimable).await?;
        }
        InsertOutcome::Inserted | InsertOutcome::Debounced(_) => {
            tell(store, connection, Wakeup::Enqueued).await?;
        }
        _ => {}
    }
    Ok(outcome)
}

/// Has the commit wake whoever takes up work.
async fn tell(
    store: &PostgresStore,
    connection: &mut PgConnection,
    hint: Wakeup,
) -> Result<(), Failure> {
    let (channel, notice) = store.hints.notification([hint]);
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind(channel)
        .bind(notice)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Failure::from_driver(error, Stage::Committing))
}
