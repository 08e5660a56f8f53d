use durable_api::store::ClaimWorkflows;
use sqlx::{Row as _, SqliteConnection};

use crate::{
    sql::{Value, json_texts, query, values},
    steps::execution,
};

/// What a claim may take. The parameters are application, names, version and whether unversioned.
macro_rules! fits {
    () => {
        "status = 'PENDING' AND app = ? AND name IN (SELECT value FROM json_each(?)) \
         AND (version = ? OR (version IS NULL AND ?))"
    };
}

/// What the request's owner has, from a call whose answer was lost.
pub(super) async fn repeated(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
) -> Result<Vec<i64>, sqlx::Error> {
    let mut values = fit(request);
    values.extend(values![
        request.owner.incarnation,
        execution(request.owner),
        request.limit
    ]);
    query(
        concat!(
            "SELECT seq FROM workflows WHERE ",
            fits!(),
            " AND owner_incarnation = ? AND owner_execution = ? ORDER BY created_at, id LIMIT ?"
        ),
        values,
    )
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect()
}

/// The oldest workflows without an owner who is a registered executor.
pub(super) async fn lost(
    connection: &mut SqliteConnection,
    request: &ClaimWorkflows,
    limit: usize,
) -> Result<Vec<i64>, sqlx::Error> {
    let mut found: Vec<(i64, Vec<u8>, i64)> = Vec::new();
    for owner in orphaned_owners(connection).await? {
        // Those of one owner are in this order in the index.
        let mut values = fit(request);
        values.extend(values![owner, i64::try_from(limit).unwrap_or(i64::MAX)]);
        let rows = query(
            concat!(
                "SELECT seq, created_at, CAST(id AS BLOB) FROM workflows WHERE ",
                fits!(),
                " AND owner_incarnation IS ? ORDER BY created_at, id LIMIT ?"
            ),
            values,
        )
        .fetch_all(&mut *connection)
        .await?;
        for row in rows {
            found.push((row.try_get(1)?, row.try_get(2)?, row.try_get(0)?));
        }
    }
    found.sort();
    found.truncate(limit);
    Ok(found.into_iter().map(|(_, _, seq)| seq).collect())
}

/// Owners of pending workflows that are not registered executors; null stands for none at all.
async fn orphaned_owners(connection: &mut SqliteConnection) -> Result<Vec<Value>, sqlx::Error> {
    // From one owner to the next by the index: the count of owners matters, not that of workflows.
    let rows = query(
        "WITH RECURSIVE owners (owner) AS ( \
             SELECT min(owner_incarnation) FROM workflows \
                 WHERE status = 'PENDING' AND owner_incarnation IS NOT NULL \
             UNION ALL \
             SELECT (SELECT min(owner_incarnation) FROM workflows \
                 WHERE status = 'PENDING' AND owner_incarnation > owner) \
             FROM owners WHERE owner IS NOT NULL \
         ) \
         SELECT owner FROM owners \
         WHERE owner IS NOT NULL AND owner NOT IN (SELECT incarnation FROM executors)",
        values![],
    )
    .fetch_all(connection)
    .await?;
    let mut owners = vec![Value::Null];
    for row in rows {
        owners.push(Value::Blob(row.try_get(0)?));
    }
    Ok(owners)
}

fn fit(request: &ClaimWorkflows) -> Vec<Value> {
    values![
        request.app.as_str(),
        json_texts(request.workflows.iter().map(|one| one.name.as_str())),
        request.version.as_str(),
        i64::from(request.unversioned),
    ]
}
