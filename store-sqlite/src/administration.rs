use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{
        AdministrationStore, Cursor, Payloads, SortOrder, StoreResult, WorkflowFilter, WorkflowPage,
    },
};

use crate::{
    SqliteStore,
    filter::Conditions,
    record::{corrupt, get, outcome_columns, payload_columns, workflow, workflow_columns},
    sql::{Value, values},
};

#[async_trait]
impl AdministrationStore for SqliteStore {
    async fn list_workflows(&self, filter: WorkflowFilter) -> StoreResult<WorkflowPage> {
        let (sql, values) = select(&filter);
        let mut rows = self
            .readers
            .fetch_all("list_workflows", sql, values)
            .await?;
        let limit = filter.limit as usize;
        let cut = rows.len() > limit;
        rows.truncate(limit);

        let mut page = WorkflowPage::new();
        for row in &rows {
            match workflow(row, filter.payloads) {
                Ok(record) => page.workflows.push(record),
                Err(damaged) => page.damaged.push(damaged),
            }
        }
        // From the row and not from a record: the last one may be damaged.
        if let Some(last) = rows.last().filter(|_| cut) {
            let cursor = get::<i64>(last, "created_at").and_then(|created_at| {
                Ok(Cursor {
                    created_at: Timestamp::from_millis(created_at),
                    id: get(last, "id")?,
                })
            });
            page.next = Some(cursor.map_err(|reason| {
                let damaged = workflow(last, Payloads::Omit).err();
                let id = damaged.map_or_else(String::new, |damaged| damaged.workflow_id);
                corrupt(
                    "list_workflows",
                    &durable_api::store::DamagedWorkflow::new(id, reason),
                )
            })?);
        }
        Ok(page)
    }
}

/// One row more than the limit, to know whether there is a further page.
fn select(filter: &WorkflowFilter) -> (String, Vec<Value>) {
    let mut conditions = Conditions::of(filter);
    let (after, order) = match filter.order {
        SortOrder::OldestFirst => ("(created_at, id) > (?, ?)", "created_at, id"),
        SortOrder::NewestFirst => ("(created_at, id) < (?, ?)", "created_at DESC, id DESC"),
    };
    if let Some(cursor) = &filter.after {
        conditions.add(after, values![cursor.created_at, cursor.id.as_str()]);
    }
    let columns = match filter.payloads {
        Payloads::Omit => workflow_columns!(),
        Payloads::Outcome => concat!(workflow_columns!(), ", ", outcome_columns!()),
        Payloads::Load => concat!(workflow_columns!(), ", ", payload_columns!()),
    };
    let Conditions { text, mut values } = conditions;
    values.push(Value::from(i64::from(filter.limit) + 1));
    let sql = format!("SELECT {columns} FROM workflows WHERE TRUE{text} ORDER BY {order} LIMIT ?");
    (sql, values)
}
