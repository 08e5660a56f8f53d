//! Filters and cursors of any sort: all pages together are what the filter describes, in its order, on memory and on SQLite.
use std::{sync::LazyLock, time::Duration};

use durable::{
    SystemStore, Timestamp, WorkflowStatus,
    store::{Caller, Cursor, SortOrder, WorkflowArchive, WorkflowFilter, WorkflowRecord},
};
use serde_json::json;
use store_memory::MemoryStore;
use store_sqlite::SqliteStore;
use tempfile::TempDir;

use super::{RUNTIME, input::Input};

struct Stores {
    records: Vec<WorkflowRecord>,
    memory: MemoryStore,
    sqlite: SqliteStore,
    _folder: TempDir,
}

/// Names and ids that are like others, and hold what means something elsewhere.
const TEXTS: [&str; 8] = ["a", "a%", "a_b", "a*", "ab", "A", "ä'\"", "a\\"];

static STORES: LazyLock<Stores> = LazyLock::new(|| RUNTIME.block_on(stores()));

async fn stores() -> Stores {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", folder.path().join("fuzz.db").display());
    let stores = Stores {
        records: records(),
        memory: MemoryStore::new(),
        sqlite: SqliteStore::connect(&url).await.expect("opens"),
        _folder: folder,
    };
    for store in [&stores.memory as &dyn SystemStore, &stores.sqlite] {
        store.migrate().await.expect("migrates");
        for record in &stores.records {
            let archive = WorkflowArchive::new(record.clone());
            store.import_workflow(archive).await.expect("imports");
        }
    }
    stores
}

fn records() -> Vec<WorkflowRecord> {
    let records = (0..24_usize).map(|number| {
        let text = |shift: usize| TEXTS[(number + shift) % TEXTS.len()];
        let id = format!("{}{}", text(0), number / TEXTS.len());
        let status = [
            WorkflowStatus::Pending,
            WorkflowStatus::Cancelled,
            WorkflowStatus::MaxRecoveryAttemptsExceeded,
        ][number % 3];
        // Several of one millisecond.
        let created = Timestamp::from_millis(number as i64 / 4);
        let mut record = WorkflowRecord::new(id, text(1), text(2), status, created);
        record.version = (number % 2 == 0).then(|| text(3).to_owned());
        record.forked_from = (number % 5 == 0).then(|| text(4).to_owned());
        record.schedule = (number % 4 == 0).then(|| text(5).to_owned());
        if number % 3 == 0 {
            record.caller = Caller::user(text(6));
        }
        record
            .attributes
            .insert(text(7).to_owned(), json!(number % 3));
        if status.is_final() {
            record.completed_at = Some(created.saturating_add(Duration::from_millis(2)));
        }
        record.started_at = (number % 2 == 1).then_some(created);
        record
    });
    records.collect()
}

pub(super) fn fuzz(data: &[u8]) {
    RUNTIME.block_on(listed(&STORES, &mut Input::new(data)));
}

async fn listed(stores: &Stores, input: &mut Input<'_>) {
    let filter = filter(input);
    let mut expected: Vec<&WorkflowRecord> = stores.records.iter().collect();
    expected.retain(|record| filter.matches(record));
    expected.sort_by_key(|record| (record.created_at, record.id.as_str()));
    if filter.order == SortOrder::NewestFirst {
        expected.reverse();
    }
    let expected: Vec<&str> = expected.iter().map(|record| &*record.id).collect();
    for store in [&stores.memory as &dyn SystemStore, &stores.sqlite] {
        let mut found = Vec::new();
        let mut page_of = filter.clone();
        loop {
            // What a store does not accept in a filter, it refuses.
            let Ok(page) = store.list_workflows(page_of.clone()).await else {
                return;
            };
            assert!(page.damaged.is_empty(), "{:?}", page.damaged);
            assert!(page.workflows.len() <= filter.limit as usize);
            found.extend(page.workflows.into_iter().map(|record| record.id));
            let Some(next) = page.next else { break };
            // As a client may keep it.
            let text = serde_json::to_string(&next).expect("serializes");
            let next: Cursor = serde_json::from_str(&text).expect("reads again");
            page_of = page_of.after(next);
        }
        let backend = store.describe().backend;
        assert_eq!(found, expected, "{backend}: {filter:?}");
    }
}

fn filter(input: &mut Input<'_>) -> WorkflowFilter {
    let mut filter = WorkflowFilter::new();
    filter.limit = 1 + u32::from(input.choice(9));
    if input.choice(2) == 1 {
        filter.order = SortOrder::NewestFirst;
    }
    for _ in 0..input.choice(4) {
        let condition = input.choice(16);
        let text = match input.choice(3) {
            0 => input.text(),
            _ => TEXTS[usize::from(input.choice(8))].to_owned(),
        };
        let time = Timestamp::from_millis(match input.choice(4) {
            0 => input.number(),
            _ => i64::from(input.choice(9)),
        });
        match condition {
            0 => filter.app = Some(text),
            1 => filter.ids.push(format!("{text}{}", input.choice(4))),
            2 => filter.id_prefix = Some(text),
            3 => filter.names.push(text),
            4 => filter
                .statuses
                .push(WorkflowStatus::ALL[usize::from(input.choice(7))]),
            5 => filter.versions.push(text),
            6 => filter.forked_from = Some(text),
            7 => filter.schedules.push(text),
            8 => filter.users.push(text),
            9 => {
                let value = json!(input.choice(3));
                filter.attributes.insert(text, value);
            }
            10 => filter.created_from = Some(time),
            11 => filter.created_before = Some(time),
            12 => filter.completed_from = Some(time),
            13 => filter.completed_before = Some(time),
            14 => filter.started_from = Some(time),
            _ => filter.after = Some(cursor(input, text, time)),
        }
    }
    filter
}

/// A place in a listing, as nobody need have been given it.
fn cursor(input: &mut Input<'_>, id: String, created_at: Timestamp) -> Cursor {
    let json = json!({ "created_at": created_at, "id": id }).to_string();
    let read = serde_json::from_slice(input.rest());
    read.unwrap_or_else(|_| serde_json::from_str(&json).expect("is a cursor"))
}
