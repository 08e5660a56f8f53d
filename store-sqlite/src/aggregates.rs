use std::collections::BTreeMap;

use async_trait::async_trait;
use durable_api::{
    WorkflowStatus,
    store::{
        AggregateStore, AggregateWorkflows, GroupKey, Payloads, StoreError, StoreErrorKind,
        StoreResult, WorkflowGroup,
    },
};
use sqlx::sqlite::SqliteRow;

use crate::{
    SqliteStore,
    filter::Conditions,
    record::{get, number, workflow, workflow_columns},
    sql::Value,
};

#[async_trait]
impl AggregateStore for SqliteStore {
    async fn aggregate_workflows(
        &self,
        request: AggregateWorkflows,
    ) -> StoreResult<Vec<WorkflowGroup>> {
        let (sql, values) = select(&request);
        let rows = self.readers.fetch_all(OPERATION, sql, values).await?;
        let mut groups: BTreeMap<GroupKey, WorkflowGroup> = BTreeMap::new();
        for row in &rows {
            // Any workflow of a group tells its key. One that cannot be read is alone in its group.
            let Ok(record) = workflow(row, Payloads::Omit) else {
                continue;
            };
            let key = request.key(&record);
            let group = groups
                .entry(key.clone())
                .or_insert_with(|| WorkflowGroup::new(key));
            let alone: Option<i64> = get(row, "alone").map_err(broken)?;
            match alone {
                Some(_) => group.add(&record),
                None => merge(group, row).map_err(broken)?,
            }
        }
        Ok(groups.into_values().collect())
    }
}

const OPERATION: &str = "aggregate_workflows";

/// Groups, each with the columns of one of its workflows. SQLite counts the workflows that are plainly sound; any other is a
/// group of its own, so that it is read like everywhere else, and left out if it is damaged.
fn select(request: &AggregateWorkflows) -> (String, Vec<Value>) {
    let Conditions { text, mut values } = Conditions::of(&request.filter);
    let mut keys = String::new();
    for (by, column) in [
        (request.by_status, ", status"),
        (request.by_name, ", name"),
        (request.by_version, ", version"),
        (request.by_queue, ", queue"),
    ] {
        if by {
            keys.push_str(column);
        }
    }
    if let Ok(size @ 1..) = i64::try_from(request.bucket_millis) {
        // A sound time is not negative, so that division rounds down.
        keys.push_str(", created_at / ?");
        values.push(Value::from(size));
    }
    let statuses = WorkflowStatus::ALL.map(|status| format!("'{status}'"));
    let sound = format!("status IN ({}) AND {SOUND}", statuses.join(", "));
    let columns = workflow_columns!();
    let sql = format!(
        "SELECT {columns}, alone, count(*) AS workflows, count(completed_at) AS completed, \
             sum(max(completed_at - created_at, 0)) AS total, \
             max(max(completed_at - created_at, 0)) AS longest \
         FROM (SELECT *, CASE WHEN {sound} THEN NULL ELSE seq END AS alone FROM workflows WHERE TRUE{text}) \
         GROUP BY alone{keys}"
    );
    (sql, values)
}

/// What is enough for a row with a known status to be readable. Texts other than ASCII and extraordinary numbers are left to
/// the reader of single rows.
const SOUND: &str = "iif(owner_incarnation IS NULL, owner_execution IS NULL, \
         length(owner_incarnation) = 16 AND owner_execution >= 0) \
     AND recovery_attempts BETWEEN 0 AND 4294967295 \
     AND iif(parent_id IS NULL, parent_step IS NULL, parent_step BETWEEN 0 AND 4294967295) \
     AND ifnull(timeout, 0) >= 0 \
     AND priority BETWEEN -2147483648 AND 2147483647 \
     AND (debounce_key IS NULL) = (debounce_until IS NULL) \
     AND created_at BETWEEN 0 AND 253402300799999 \
     AND ifnull(completed_at, 0) BETWEEN 0 AND 253402300799999 \
     AND CASE WHEN attributes IS NULL THEN TRUE \
         WHEN json_valid(attributes) THEN json_type(attributes) = 'object' AND instr(attributes, '\\u') = 0 END \
     AND CASE WHEN caller_roles IS NULL THEN TRUE \
         WHEN json_valid(caller_roles) THEN json_type(caller_roles) = 'array' AND instr(caller_roles, '\\u') = 0 \
             AND NOT EXISTS (SELECT 1 FROM json_each(caller_roles) AS role WHERE role.type <> 'text') END \
     AND concat(id, app, name, version, executor_id, parent_id, forked_from, queue, \
         deduplication_id, partition_key, debounce_key, schedule, caller_user, caller_role, \
         caller_roles, attributes, trace_context) NOT GLOB '*[^\u{1}-\u{7f}]*'";

fn merge(group: &mut WorkflowGroup, row: &SqliteRow) -> Result<(), String> {
    group.count += number::<u64>(row, "workflows")?;
    group.completed += number::<u64>(row, "completed")?;
    // Null where none has ended.
    if let Some(total) = get::<Option<i64>>(row, "total")? {
        group.total_millis = group.total_millis.saturating_add(total.unsigned_abs());
        group.longest_millis = group.longest_millis.max(number(row, "longest")?);
    }
    Ok(())
}

fn broken(reason: String) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, OPERATION).with_message(reason)
}
