use std::sync::Arc;

use durable_api::store::{DynConnection, InsertOutcome, InsertWorkflow, StoreErrorKind, Wakeup};
use sqlx::PgConnection;

use super::{connection::downcast, not_from_a_step};
use crate::{
    PostgresStore,
    error::{Failure, Stage},
    workflows::check_insert,
    writes::{Insert, Inserted, find_workflow, found_workflow, insert_answers, met},
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

    let requests = [Arc::new(request)];
    let query = Insert(store.database.clone()).query(&requests);
    let rows = query.fetch_all(&mut *connection).await.map_err(lost)?;
    let [request] = requests;
    match insert_answers(1, &rows)?.first() {
        Some(Inserted::Written) => {
            tell(store, connection).await?;
            Ok(InsertOutcome::Inserted)
        }
        Some(Inserted::Taken) => existing(store, connection, &request).await,
        Some(Inserted::ParentNotOwner) => Ok(InsertOutcome::ParentNotOwner),
        Some(Inserted::UnknownExecutor) | None => Ok(InsertOutcome::UnknownExecutor),
    }
}

async fn existing(
    store: &PostgresStore,
    connection: &mut PgConnection,
    request: &InsertWorkflow,
) -> Result<InsertOutcome, Failure> {
    let query = find_workflow(&store.database, &request.id);
    let rows = query.fetch_all(connection).await.map_err(lost)?;
    match found_workflow(&request.id, &rows)? {
        Some(row) => Ok(met(request, row)),
        None => Err(Failure::new(
            StoreErrorKind::Contention,
            format!("workflow `{}` comes and goes", request.id),
        )),
    }
}

/// Has the commit wake whoever takes up work.
async fn tell(store: &PostgresStore, connection: &mut PgConnection) -> Result<(), Failure> {
    let (channel, notice) = store.hints.notification([Wakeup::Claimable]);
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind(channel)
        .bind(notice)
        .execute(connection)
        .await
        .map(drop)
        .map_err(lost)
}

/// Outside a transaction, the write may have been committed.
fn lost(error: sqlx::Error) -> Failure {
    Failure::from_driver(error, Stage::Committing)
}
