use durable_api::store::{BulkOutcome, DeleteWorkflows};

use super::family::{Family, Lock};
use crate::{
    database::{Access, Database, Work},
    error::Failure,
    writes,
};

/// The tables whose rows belong to workflows.
const BELONGINGS: [&str; 6] = [
    "steps",
    "messages",
    "events",
    "streams",
    "stream_values",
    "debounced",
];

/// Deletes workflows with all that belongs to them.
pub(super) async fn delete(
    database: &Database,
    request: &DeleteWorkflows,
) -> Result<BulkOutcome, Failure> {
    writes::check(request.ids.iter().map(String::as_str), None, [])?;
    let mut work = database.transaction(Access::Write).await?;
    let family = Family::lock(
        database,
        &mut work,
        &request.ids,
        request.children,
        Lock::Remove,
    )
    .await?;
    let ids: Vec<String> = family.ids().into_iter().map(str::to_owned).collect();
    remove(database, &mut work, &ids).await?;
    work.commit().await?;
    family.outcome(ids)
}

/// Removes rows that are locked against everybody who writes what belongs to them: whatever such a writer committed before
/// is seen by these statements, each of which takes a snapshot of its own.
pub(super) async fn remove(
    database: &Database,
    work: &mut Work,
    ids: &[String],
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    for table in BELONGINGS {
        let sql =
            format!("DELETE FROM {{schema}}.{table} b WHERE b.workflow_id = ANY ($1::text[])");
        work.fetch(database.query(&sql).bind(ids)).await?;
    }
    let query = database.query("DELETE FROM {schema}.workflows w WHERE w.id = ANY ($1::text[])");
    work.fetch(query.bind(ids)).await?;
    Ok(())
}
