use async_trait::async_trait;
use durable_api::{
    Timestamp,
    store::{
        AdministrationStore, Cursor, Payloads, SortOrder, StoreResult, WorkflowFilter, WorkflowPage,
    },
};

use crate::{
    SqliteStore,
    record::{corrupt, get, payload_columns, workflow, workflow_columns},
    sql::{Value, json_texts, values},
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
    let mut conditions = Conditions::default();
    conditions.one("app = ?", filter.app.as_deref());
    conditions.many("id", filter.ids.iter().map(String::as_str));
    conditions.many("name", filter.names.iter().map(String::as_str));
    conditions.many(
        "status",
        filter.statuses.iter().map(|status| status.as_str()),
    );
    conditions.many("version", filter.versions.iter().map(String::as_str));
    conditions.many(
        "executor_id",
        filter.executor_ids.iter().map(String::as_str),
    );
    conditions.one("parent_id = ?", filter.parent_id.as_deref());
    conditions.one("created_at >= ?", filter.created_from);
    conditions.one("created_at < ?", filter.created_before);
    if let Some(prefix) = filter
        .id_prefix
        .as_deref()
        .filter(|prefix| !prefix.is_empty())
    {
        conditions.one("id >= ?", Some(prefix));
        conditions.one("id < ?", end_of_prefix(prefix));
    }
    let (after, order) = match filter.order {
        SortOrder::OldestFirst => ("(created_at, id) > (?, ?)", "created_at, id"),
        SortOrder::NewestFirst => ("(created_at, id) < (?, ?)", "created_at DESC, id DESC"),
    };
    if let Some(cursor) = &filter.after {
        conditions.add(after, values![cursor.created_at, cursor.id.as_str()]);
    }
    let columns = match filter.payloads {
        Payloads::Omit => workflow_columns!(),
        Payloads::Load => concat!(workflow_columns!(), ", ", payload_columns!()),
    };
    let filter_text = conditions.text;
    let mut values = conditions.values;
    values.push(Value::from(i64::from(filter.limit) + 1));
    let sql =
        format!("SELECT {columns} FROM workflows WHERE TRUE{filter_text} ORDER BY {order} LIMIT ?");
    (sql, values)
}

/// The first text after all texts that begin with `prefix`, in byte order; `None` if there is none.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // Characters are in the order of their bytes; the range skips the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[derive(Default)]
struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, values: Vec<Value>) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.values.extend(values);
    }

    fn one(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(condition, vec![value.into()]);
        }
    }

    fn many<'a>(&mut self, column: &str, texts: impl ExactSizeIterator<Item = &'a str>) {
        if texts.len() > 0 {
            self.add(
                &format!("{column} IN (SELECT value FROM json_each(?))"),
                vec![Value::from(json_texts(texts))],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_at_the_next_text_in_byte_order() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("order-%", Some("order-&")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
