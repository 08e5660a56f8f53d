use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{AdministrationStore, Cursor, SortOrder, StoreResult, WorkflowFilter, WorkflowPage},
};
use sqlx::{Postgres, QueryBuilder};

use crate::{
    PostgresStore,
    database::{Access, Database},
    error::Failure,
    filter,
    record::{self, column, workflow_columns},
};

#[async_trait]
impl AdministrationStore for PostgresStore {
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage> {
        list(&self.database, &filter)
            .await
            .map_err(|failure| failure.into_store_error("list_workflows"))
    }
}

async fn list(database: &Database, filter: &WorkflowFilter) -> Result<WorkflowPage, Failure> {
    filter::check(filter)?;
    let mut query = build_query(database, filter);
    let mut work = database.planned(Access::Read).await?;
    // A text of its own for each combination of conditions is not kept.
    let mut rows = work.fetch(query.build().persistent(false)).await?;
    work.commit().await?;

    let limit = filter.limit as usize;
    let cut = rows.len() > limit;
    rows.truncate(limit);
    let mut page = WorkflowPage::new();
    if let Some(last) = rows.last().filter(|_| cut) {
        page.next = Some(Cursor {
            created_at: Timestamp::from_millis(column(last, "created_at")?),
            id: column(last, "id")?,
        });
    }
    for row in &rows {
        match record::workflow_or_damage(row, filter.payloads)? {
            Ok(record) => page.workflows.push(record),
            Err(damage) => page.damaged.push(damage),
        }
    }
    Ok(page)
}

fn build_query(database: &Database, filter: &WorkflowFilter) -> QueryBuilder<Postgres> {
    let columns = workflow_columns(filter.payloads);
    let select = format!("SELECT {columns} FROM {{schema}}.workflows w WHERE true");
    let mut query = QueryBuilder::new(database.sql(&select));
    filter::push_conditions(&mut query, filter);
    let (comparison, direction) = match filter.order {
        SortOrder::OldestFirst => (">", "ASC"),
        SortOrder::NewestFirst => ("<", "DESC"),
    };
    if let Some(cursor) = &filter.after {
        query.push(format!(" AND (w.created_at, w.id) {comparison} ("));
        query.push_bind(cursor.created_at.as_millis());
        query.push(", ");
        query.push_bind(cursor.id.clone());
        query.push(")");
    }
    query.push(format!(
        " ORDER BY w.created_at {direction}, w.id {direction} LIMIT "
    ));
    // One more than asked for tells whether there is a next page.
    query.push_bind(i64::from(filter.limit) + 1);
    query
}
