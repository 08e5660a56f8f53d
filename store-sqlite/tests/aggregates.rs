//! Counting in SQLite agrees with counting records one by one.
mod common;

use std::collections::BTreeMap;

use common::{File, NOW, executor, payload, workflow};
use durable_api::{
    Timestamp,
    store::{
        AdministrationStore as _, AggregateStore as _, AggregateWorkflows, Debounce, Enqueue,
        FinishWorkflow, GroupKey, Outcome, Owner, WorkflowFilter, WorkflowGroup,
        WorkflowStore as _,
    },
};
use store_sqlite::SqliteStore;

/// Some workflows that differ in everything that is grouped by, with texts and times of all kinds.
async fn population(file: &File) -> SqliteStore {
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    for n in 0..24_i64 {
        let mut request = workflow(format!("w-{n}"), owner);
        request.name = ["plain", "größe", "quote'\"\\u0041"][(n % 3) as usize].to_owned();
        request.version = [None, Some("1".to_owned())][(n % 2) as usize].clone();
        request.now = Timestamp::from_millis((n - 3) * 700);
        request.caller.user = (n % 4 == 0).then(|| "ada".to_owned());
        if n % 7 < 3 {
            let mut enqueue = Enqueue::new(["mail", "größe"][(n % 2) as usize]);
            enqueue.deduplication_id = (n % 4 == 0).then(|| format!("d-{n}"));
            enqueue.debounce = (n % 3 == 0).then(|| Debounce::new("key", NOW));
            request.enqueue = Some(enqueue);
        }
        request.caller.roles = vec!["reader".to_owned(); (n % 3) as usize];
        if n % 5 == 0 {
            request.attributes = attributes(&format!(r#"{{"n": {n}, "text": "\u0007 é"}}"#));
        }
        let id = request.id.clone();
        store.insert_workflow(request).await.expect("inserts");
        if n % 3 != 1 {
            let outcome = match n % 2 {
                0 => Outcome::Success(payload("")),
                _ => Outcome::Failure(payload("no")),
            };
            let end = Timestamp::from_millis(n * 1_000 - 2_500);
            let finish = FinishWorkflow::new(id, owner, outcome, end);
            store.finish_workflow(finish).await.expect("finishes");
        }
    }
    store
}

fn attributes(json: &str) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(json).expect("an object")
}

fn groupings(filter: &WorkflowFilter) -> Vec<AggregateWorkflows> {
    let mut requests = Vec::new();
    for n in 0..64_u32 {
        let mut request = AggregateWorkflows::new(filter.clone());
        request.by_status = n & 1 != 0;
        request.by_name = n & 2 != 0;
        request.by_version = n & 4 != 0;
        request.bucket_millis = [0, 1_000, 1, u64::MAX][((n >> 3) & 3) as usize];
        request.by_queue = n & 32 != 0;
        requests.push(request);
    }
    requests
}

async fn one_by_one(store: &SqliteStore, request: &AggregateWorkflows) -> Vec<WorkflowGroup> {
    let mut filter = request.filter.clone();
    filter.limit = 10_000;
    let page = store.list_workflows(filter).await.expect("lists");
    let mut groups: BTreeMap<GroupKey, WorkflowGroup> = BTreeMap::new();
    for record in &page.workflows {
        let key = request.key(record);
        let new = WorkflowGroup::new(key.clone());
        groups.entry(key).or_insert(new).add(record);
    }
    groups.into_values().collect()
}

async fn assert_agrees(store: &SqliteStore, filter: WorkflowFilter) {
    for request in groupings(&filter) {
        let counted = store.aggregate_workflows(request.clone()).await;
        let expected = one_by_one(store, &request).await;
        assert_eq!(counted.expect("counts"), expected, "{request:?}");
    }
}

#[tokio::test]
async fn groups_are_those_of_the_records() {
    let file = File::new();
    let store = population(&file).await;
    assert_agrees(&store, WorkflowFilter::new()).await;
    assert_agrees(&store, WorkflowFilter::new().limit(1).newest_first()).await;
    assert_agrees(&store, WorkflowFilter::new().user("ada")).await;
    assert_agrees(&store, WorkflowFilter::new().attribute("n", 15)).await;
    assert_agrees(&store, WorkflowFilter::new().id("nobody")).await;
}

#[tokio::test]
async fn damaged_rows_are_left_out_and_take_nothing_from_others() {
    for damage in [
        "status = 'LATER'",
        "owner_execution = NULL",
        "owner_execution = -1",
        "owner_incarnation = x'0102'",
        "recovery_attempts = -1",
        "timeout = -1",
        "priority = 5000000000",
        "debounce_until = NULL, debounce_key = 'half'",
        "queue = CAST(x'ff' AS TEXT)",
        "schedule = CAST(x'ff' AS TEXT)",
        "parent_id = 'half'",
        "parent_id = 'p', parent_step = 5000000000",
        "name = CAST(x'ff' AS TEXT)",
        "executor_id = CAST(x'ff' AS TEXT)",
        "trace_context = CAST(x'80' AS TEXT)",
        "attributes = '{'",
        "attributes = '[1]'",
        "attributes = '{\"a\": \"\\ud800\"}'",
        "caller_roles = '[1]'",
        "caller_roles = '{}'",
        "caller_roles = 'reader'",
    ] {
        let file = File::new();
        let store = population(&file).await;
        file.execute(&format!(
            "UPDATE workflows SET {damage} WHERE id IN ('w-4', 'w-6')"
        ))
        .await;
        let page = store.list_workflows(WorkflowFilter::new()).await;
        assert_eq!(page.expect("lists").damaged.len(), 2, "{damage}");
        assert_agrees(&store, WorkflowFilter::new()).await;
    }
}

#[tokio::test]
async fn times_beyond_reason_are_counted_all_the_same() {
    let file = File::new();
    let store = population(&file).await;
    file.execute(&format!(
        "UPDATE workflows SET completed_at = {} WHERE id IN ('w-6', 'w-8', 'w-11')",
        i64::MAX
    ))
    .await;
    let request = AggregateWorkflows::new(WorkflowFilter::new());
    let expected = one_by_one(&store, &request).await;
    let counted = store.aggregate_workflows(request).await.expect("counts");
    assert_eq!(counted, expected);
    assert!(counted[0].longest_millis > NOW.as_millis().unsigned_abs());
}
