//! Filters as conditions on a workflow `w`.
use durable_api::{Timestamp, store::WorkflowFilter};
use sqlx::{Postgres, QueryBuilder};

use crate::{attributes, error::Failure, writes};

/// Refuses what no row can hold.
pub(crate) fn check(filter: &WorkflowFilter) -> Result<(), Failure> {
    let lists = [
        &filter.ids,
        &filter.names,
        &filter.versions,
        &filter.executor_ids,
        &filter.queues,
        &filter.schedules,
        &filter.users,
    ];
    let texts = lists
        .into_iter()
        .flatten()
        .chain(&filter.app)
        .chain(&filter.id_prefix)
        .chain(&filter.parent_id)
        .chain(&filter.forked_from)
        .chain(filter.after.as_ref().map(|cursor| &cursor.id));
    writes::check(texts.map(String::as_str), None, [])?;
    attributes::check(&filter.attributes)
}

/// Adds the conditions of a filter, each after an `AND`; its order, cursor and limit are no conditions.
pub(crate) fn push_conditions(query: &mut QueryBuilder<Postgres>, filter: &WorkflowFilter) {
    let statuses = filter
        .statuses
        .iter()
        .map(|status| status.as_str().to_owned())
        .collect();
    push_equal(query, "w.app", &filter.app);
    push_any(query, "w.id", filter.ids.clone());
    push_any(query, "w.name", filter.names.clone());
    push_any(query, "w.status", statuses);
    push_any(query, "w.version", filter.versions.clone());
    push_any(query, "w.executor_id", filter.executor_ids.clone());
    push_any(query, "w.queue", filter.queues.clone());
    push_any(query, "w.schedule", filter.schedules.clone());
    push_equal(query, "w.parent_id", &filter.parent_id);
    push_equal(query, "w.forked_from", &filter.forked_from);
    push_any(query, "w.caller_user", filter.users.clone());
    if let Some(prefix) = &filter.id_prefix {
        // The first condition is for the index.
        query.push(" AND w.id >= ").push_bind(prefix.clone());
        query
            .push(" AND starts_with(w.id, ")
            .push_bind(prefix.clone())
            .push(")");
    }
    if let Some(condition) = attributes::encode(&filter.attributes) {
        query
            .push(" AND w.attributes @> ")
            .push_bind(condition)
            .push("::jsonb");
    }
    push_from(query, "w.created_at", filter.created_from);
    push_before(query, "w.created_at", filter.created_before);
    push_from(query, "w.started_at", filter.started_from);
    push_before(query, "w.started_at", filter.started_before);
    push_from(query, "w.completed_at", filter.completed_from);
    push_before(query, "w.completed_at", filter.completed_before);
}

fn push_equal(query: &mut QueryBuilder<Postgres>, column: &str, value: &Option<String>) {
    if let Some(value) = value {
        query.push(format!(" AND {column} = "));
        query.push_bind(value.clone());
    }
}

fn push_any(query: &mut QueryBuilder<Postgres>, column: &str, values: Vec<String>) {
    if !values.is_empty() {
        query.push(format!(" AND {column} = ANY ("));
        query.push_bind(values).push(")");
    }
}

fn push_from(query: &mut QueryBuilder<Postgres>, column: &str, from: Option<Timestamp>) {
    if let Some(from) = from {
        query.push(format!(" AND {column} >= "));
        query.push_bind(from.as_millis());
    }
}

fn push_before(query: &mut QueryBuilder<Postgres>, column: &str, before: Option<Timestamp>) {
    if let Some(before) = before {
        query.push(format!(" AND {column} < "));
        query.push_bind(before.as_millis());
    }
}
