use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{AggregateStore, AggregateWorkflows, GroupKey, StoreResult, WorkflowGroup},
};
use sqlx::{Postgres, QueryBuilder, postgres::PgRow};

use crate::{
    PostgresStore,
    database::{Access, Database},
    error::Failure,
    filter,
    record::{column, soundness},
};

#[async_trait]
impl AggregateStore for PostgresStore {
    async fn aggregate_workflows(
        &self,
        request: AggregateWorkflows,
    ) -> StoreResult<Vec<WorkflowGroup>> {
        aggregate(&self.database, &request)
            .await
            .map_err(|failure| failure.into_store_error("aggregate_workflows"))
    }
}

/// How long a completed workflow took; as wide as the difference of any two times.
const TOOK: &str = "greatest(w.completed_at::numeric - w.created_at, 0)";

async fn aggregate(
    database: &Database,
    request: &AggregateWorkflows,
) -> Result<Vec<WorkflowGroup>, Failure> {
    filter::check(&request.filter)?;
    let mut query = build_query(database, request);
    let mut work = database.planned(Access::Read).await?;
    // A text of its own for each combination of conditions is not kept.
    let rows = work.fetch(query.build().persistent(false)).await?;
    work.commit().await?;
    let groups: Result<Vec<_>, _> = rows.iter().map(group).collect();
    let mut groups = groups?;
    groups.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(groups)
}

fn build_query(database: &Database, request: &AggregateWorkflows) -> QueryBuilder<Postgres> {
    let key = |wanted: bool, column: &'static str| if wanted { column } else { "NULL::text" };
    let bucket = i64::try_from(request.bucket_millis)
        .ok()
        .filter(|size| *size > 0)
        .map_or("NULL::bigint".to_owned(), |size| {
            // The remainder has the sign of the time; a bucket begins at or before the time.
            format!(
                "w.created_at - CASE WHEN w.created_at % {size} < 0 \
                 THEN w.created_at % {size} + {size} ELSE w.created_at % {size} END"
            )
        });
    let select = format!(
        "SELECT {} AS status, {} AS name, {} AS version, {} AS queue, {bucket} AS bucket,
                count(*) AS count, count(w.completed_at) AS completed,
                coalesce(sum({TOOK}), 0)::text AS total, coalesce(max({TOOK}), 0)::text AS longest
         FROM {{schema}}.workflows w
         WHERE {}",
        key(request.by_status, "w.status"),
        key(request.by_name, "w.name"),
        key(request.by_version, "w.version"),
        key(request.by_queue, "w.queue"),
        soundness(),
    );
    let mut query = QueryBuilder::new(database.sql(&select));
    filter::push_conditions(&mut query, &request.filter);
    query.push(" GROUP BY 1, 2, 3, 4, 5");
    query
}

fn group(row: &PgRow) -> Result<WorkflowGroup, Failure> {
    let mut key = GroupKey::default();
    key.status = column(row, "status")?;
    key.name = column(row, "name")?;
    key.version = column(row, "version")?;
    key.queue = column(row, "queue")?;
    key.bucket = column::<Option<i64>>(row, "bucket")?.map(Timestamp::from_millis);
    let mut group = WorkflowGroup::new(key);
    group.count = column::<i64>(row, "count")?.cast_unsigned();
    group.completed = column::<i64>(row, "completed")?.cast_unsigned();
    // More than fits is as much as fits.
    let millis = |name| column::<String>(row, name).map(|text| text.parse().unwrap_or(u64::MAX));
    group.total_millis = millis("total")?;
    group.longest_millis = millis("longest")?;
    Ok(group)
}
