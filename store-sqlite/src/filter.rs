use durable_api::store::WorkflowFilter;

use crate::{
    attributes::canonical,
    sql::{Value, json_texts, values},
};

/// Conditions on workflows, combined by *and*.
#[derive(Default)]
pub(crate) struct Conditions {
    /// What stands behind `WHERE TRUE`.
    pub(crate) text: String,
    /// The values in it, in order.
    pub(crate) values: Vec<Value>,
}

impl Conditions {
    /// Those of a filter, but for the place in the listing.
    pub(crate) fn of(filter: &WorkflowFilter) -> Self {
        let mut conditions = Self::default();
        conditions.one("app = ?", filter.app.as_deref());
        conditions.many("id", &filter.ids);
        conditions.many("name", &filter.names);
        let statuses = filter.statuses.iter().map(|status| status.as_str());
        conditions.many("status", statuses.collect::<Vec<_>>());
        conditions.many("version", &filter.versions);
        conditions.many("executor_id", &filter.executor_ids);
        conditions.many("queue", &filter.queues);
        conditions.many("schedule", &filter.schedules);
        conditions.many("caller_user", &filter.users);
        conditions.one("parent_id = ?", filter.parent_id.as_deref());
        conditions.one("forked_from = ?", filter.forked_from.as_deref());
        conditions.one("created_at >= ?", filter.created_from);
        conditions.one("created_at < ?", filter.created_before);
        conditions.one("started_at >= ?", filter.started_from);
        conditions.one("started_at < ?", filter.started_before);
        conditions.one("completed_at >= ?", filter.completed_from);
        conditions.one("completed_at < ?", filter.completed_before);
        for (name, value) in &filter.attributes {
            conditions.add(
                "seq IN (SELECT workflow FROM attributes WHERE attributes.name = ? AND value = ?)",
                values![name.as_str(), canonical(value)],
            );
        }
        if let Some(prefix) = filter.id_prefix.as_deref().filter(|one| !one.is_empty()) {
            conditions.one("id >= ?", Some(prefix));
            conditions.one("id < ?", end_of_prefix(prefix));
        }
        conditions
    }

    pub(crate) fn add(&mut self, condition: &str, values: Vec<Value>) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.values.extend(values);
    }

    fn one(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(condition, vec![value.into()]);
        }
    }

    fn many<T: AsRef<str>>(&mut self, column: &str, texts: impl AsRef<[T]>) {
        let texts = texts.as_ref();
        if !texts.is_empty() {
            self.add(
                &format!("{column} IN (SELECT value FROM json_each(?))"),
                vec![Value::from(json_texts(texts.iter().map(AsRef::as_ref)))],
            );
        }
    }
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
