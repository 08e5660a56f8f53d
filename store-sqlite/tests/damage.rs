//! A row damaged by hand is an error that names it, for that workflow alone.
mod common;

use common::{File, executor, insert, payload, step, workflow};
use durable_api::{
    Timestamp, WorkflowStatus,
    store::{
        AdministrationStore as _, AppendStream, ArchiveStore as _, CancelWorkflows, ClaimWorkflows,
        ClaimableWorkflow, DeleteWorkflows, EventLookup, EventStore as _, ExecutorStore as _,
        ExpelExecutor, FireOutcome, FireSchedule, ForkWorkflow, InsertOutcome,
        ManagementStore as _, MessageStore as _, Owner, ParentCheckpoint, Payloads, ReadStream,
        ReceiveMessage, ReceiveOutcome, ScheduleRecord, ScheduleStore as _, SendMessage, SetEvent,
        StepRef, StepStore as _, StoreErrorKind, StreamStore as _, WorkflowFilter,
        WorkflowStore as _,
    },
};
use store_sqlite::SqliteStore;

/// Two workflows, of which the first one is damaged by `sql`, left by an executor that died.
async fn damaged(file: &File, sql: &str) -> (SqliteStore, Owner) {
    let store = file.open().await;
    let dead = executor(&store).await;
    for id in ["broken", "sound"] {
        insert(&store, id, Owner::new(dead, 1)).await;
        let recorded = store.record_step(step(id, Owner::new(dead, 1), 0)).await;
        recorded.expect("records");
    }
    store
        .expel_executor(ExpelExecutor::new(dead, 0))
        .await
        .expect("expels");
    file.execute(sql).await;
    let owner = Owner::new(executor(&store).await, 1);
    (store, owner)
}

fn claim(owner: Owner, limit: u32) -> ClaimWorkflows {
    let names = vec![ClaimableWorkflow::new("work", 10)];
    let mut request = ClaimWorkflows::new("app", "1", names, owner, common::NOW);
    request.limit = limit;
    request
}

const DAMAGED_ROWS: [&str; 14] = [
    "UPDATE workflows SET timeout = -1 WHERE id = 'broken'",
    "UPDATE workflows SET priority = 5000000000 WHERE id = 'broken'",
    "UPDATE workflows SET debounce_key = 'half' WHERE id = 'broken'",
    "UPDATE workflows SET owner_execution = NULL WHERE id = 'broken'",
    "UPDATE workflows SET owner_incarnation = x'0102' WHERE id = 'broken'",
    "UPDATE workflows SET owner_execution = -1 WHERE id = 'broken'",
    "UPDATE workflows SET recovery_attempts = -1 WHERE id = 'broken'",
    "UPDATE workflows SET parent_id = 'half' WHERE id = 'broken'",
    "UPDATE workflows SET parent_id = 'p', parent_step = 5000000000 WHERE id = 'broken'",
    "UPDATE workflows SET executor_id = CAST(x'ff' AS TEXT) WHERE id = 'broken'",
    "UPDATE workflows SET attributes = '{' WHERE id = 'broken'",
    "UPDATE workflows SET attributes = '[]' WHERE id = 'broken'",
    "UPDATE workflows SET caller_roles = '[1]' WHERE id = 'broken'",
    "UPDATE workflows SET started_at = NULL, owner_incarnation = NULL WHERE id = 'broken'",
];

#[tokio::test]
async fn a_damaged_row_is_named_when_it_is_read_listed_or_claimed_and_takes_nothing_from_others() {
    for sql in DAMAGED_ROWS {
        let file = File::new();
        let (store, owner) = damaged(&file, sql).await;

        let error = store
            .get_workflow("broken", Payloads::Omit)
            .await
            .expect_err(sql);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("`broken`"), "{error}");
        let sound = store.get_workflow("sound", Payloads::Load).await;
        assert!(sound.expect("reads").is_some());

        let page = store
            .list_workflows(WorkflowFilter::new())
            .await
            .expect("lists");
        assert_eq!(page.workflows.len(), 1, "{sql}");
        assert_eq!(page.damaged.len(), 1, "{sql}");
        assert_eq!(page.damaged[0].workflow_id, "broken");

        // It is the older one by its id, but the limit is not used up by it.
        let claimed = store
            .claim_workflows(claim(owner, 1))
            .await
            .expect("claims");
        assert_eq!(claimed.claimed.len(), 1, "{sql}");
        assert_eq!(claimed.claimed[0].record.id, "sound");
        assert_eq!(claimed.damaged.len(), 1, "{sql}");
        assert_eq!(claimed.damaged[0].workflow_id, "broken");
    }
}

#[tokio::test]
async fn an_unknown_status_is_damage_that_is_never_claimed() {
    let file = File::new();
    let sql = "UPDATE workflows SET status = 'LATER' WHERE id = 'broken'";
    let (store, owner) = damaged(&file, sql).await;
    let error = store
        .get_workflow("broken", Payloads::Omit)
        .await
        .expect_err("is damaged");
    assert!(error.to_string().contains("LATER"), "{error}");
    let page = store
        .list_workflows(WorkflowFilter::new().with_payloads())
        .await
        .expect("lists");
    assert_eq!(page.damaged[0].workflow_id, "broken");
    let claimed = store
        .claim_workflows(claim(owner, 10))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed.len(), 1);
}

#[tokio::test]
async fn a_workflow_with_a_damaged_checkpoint_is_not_claimed() {
    for sql in [
        "UPDATE steps SET failed = 7 WHERE workflow = 1",
        "UPDATE steps SET outcome = NULL WHERE workflow = 1",
        "UPDATE steps SET name = CAST(x'ff' AS TEXT) WHERE workflow = 1",
        "UPDATE steps SET step_id = -1 WHERE workflow = 1",
        "UPDATE steps SET completions = CAST(x'ff' AS TEXT) WHERE workflow = 1",
    ] {
        let file = File::new();
        let (store, owner) = damaged(&file, sql).await;
        let error = store.list_steps("broken").await.expect_err(sql);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("`broken`"), "{error}");
        let claimed = store
            .claim_workflows(claim(owner, 10))
            .await
            .expect("claims");
        assert_eq!(claimed.damaged.len(), 1, "{sql}");
        assert_eq!(claimed.damaged[0].workflow_id, "broken");
        let ids: Vec<_> = claimed.claimed.iter().map(|one| &one.record.id).collect();
        assert_eq!(ids, ["sound"], "{sql}");
        let untouched = store.get_workflow("broken", Payloads::Omit).await;
        let row = untouched.expect("reads").expect("is there");
        assert_eq!(row.recovery_attempts, 0);
    }
}

#[tokio::test]
async fn a_missing_outcome_is_damage_only_to_who_asks_for_it() {
    let file = File::new();
    let sql = "UPDATE workflows SET status = 'SUCCESS' WHERE id = 'broken'";
    let (store, _) = damaged(&file, sql).await;
    let without = store.get_workflow("broken", Payloads::Omit).await;
    assert!(without.is_ok());
    let error = store
        .get_workflow("broken", Payloads::Load)
        .await
        .expect_err("has no outcome");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn a_page_that_ends_with_a_damaged_row_goes_on_behind_it() {
    let file = File::new();
    let (store, _) = damaged(&file, DAMAGED_ROWS[0]).await;
    let first = store
        .list_workflows(WorkflowFilter::new().limit(1))
        .await
        .expect("lists");
    assert_eq!(first.damaged.len(), 1);
    let cursor = first.next.expect("there is more");
    let second = store
        .list_workflows(WorkflowFilter::new().limit(1).after(cursor))
        .await
        .expect("lists");
    assert_eq!(second.workflows[0].id, "sound");
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn a_damaged_status_fails_the_request_that_names_it_and_not_that_about_its_parent() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    for id in ["parent", "broken", "sound"] {
        let mut request = workflow(id, owner);
        if id != "parent" {
            let step_id = u32::from(id == "sound");
            request.parent = Some(ParentCheckpoint::new("parent", owner, step_id, "child"));
        }
        let inserted = store.insert_workflow(request).await;
        assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
    }
    file.execute("UPDATE workflows SET status = 'LATER' WHERE id = 'broken'")
        .await;
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();

    let named = CancelWorkflows::new(ids(&["broken", "sound"]), common::NOW);
    let error = store.cancel_workflows(named).await.expect_err("is damaged");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("`broken`"), "{error}");
    let sound = store.get_workflow("sound", Payloads::Omit).await;
    let status = sound.expect("reads").expect("is there").status;
    assert_eq!(status, WorkflowStatus::Pending);

    let mut family = CancelWorkflows::new(ids(&["parent"]), common::NOW);
    family.children = true;
    let outcome = store.cancel_workflows(family).await.expect("cancels");
    assert_eq!(outcome.changed, ["parent", "sound"]);

    let mut all = DeleteWorkflows::new(ids(&["parent"]));
    all.children = true;
    let outcome = store.delete_workflows(all).await.expect("deletes");
    assert_eq!(outcome.changed, ["broken", "parent", "sound"]);
}

#[tokio::test]
async fn a_damaged_source_fails_all_forks_of_a_request_and_none_is_written() {
    let file = File::new();
    let (store, _) = damaged(&file, DAMAGED_ROWS[0]).await;
    let requests = ["sound", "broken"]
        .map(|source| ForkWorkflow::new(source, format!("fork of {source}"), 1, common::NOW));
    let error = store
        .fork_workflows(requests.to_vec())
        .await
        .expect_err("is damaged");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("`broken`"), "{error}");
    let found = store.get_workflow("fork of sound", Payloads::Omit).await;
    assert_eq!(found.expect("reads"), None);
}

#[tokio::test]
async fn damaged_messages_events_and_streams_are_errors_that_name_their_workflow() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    for id in ["broken", "sound"] {
        insert(&store, id, owner).await;
        let message = SendMessage::new(id, "", "m", payload("m"), common::NOW);
        store.send_message(message).await.expect("sends");
        let step = StepRef::recorded(id, owner, 0, "event", common::NOW);
        let event = SetEvent::new(step, "key", payload("e"), common::NOW);
        store.set_event(event).await.expect("sets");
        let step = StepRef::recorded(id, owner, 1, "stream", common::NOW);
        let write_id = uuid::Uuid::new_v4();
        let value = AppendStream::value(step, "key", payload("s"), write_id, common::NOW);
        store.append_stream(value).await.expect("appends");
    }
    for sql in [
        "UPDATE messages SET payload = NULL WHERE workflow = 1",
        "UPDATE events SET encoding = CAST(x'ff' AS TEXT) WHERE workflow = 1",
        "UPDATE stream_values SET value = NULL WHERE workflow = 1",
    ] {
        file.execute(sql).await;
    }
    let receive = |id: &str| {
        let step = StepRef::recorded(id, owner, 2, "recv", common::NOW);
        store.receive_message(ReceiveMessage::new(step, "", common::NOW))
    };
    for error in [
        receive("broken").await.expect_err("the message"),
        store
            .get_event("broken", "key")
            .await
            .expect_err("the event"),
        store.list_events("broken").await.expect_err("the event"),
        store
            .read_stream(ReadStream::new("broken", "key", 0))
            .await
            .expect_err("the stream"),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("`broken`"), "{error}");
    }
    assert_eq!(
        receive("sound").await.expect("receives"),
        ReceiveOutcome::Received(payload("m"))
    );
    assert_eq!(
        store.get_event("sound", "key").await.expect("reads"),
        EventLookup::Value(payload("e"))
    );
    let page = store.read_stream(ReadStream::new("sound", "key", 0)).await;
    assert_eq!(page.expect("reads").values, [payload("s")]);
}

#[tokio::test]
async fn a_damaged_schedule_is_named_and_takes_nothing_from_others() {
    let file = File::new();
    let store = file.open().await;
    let schedule = |name: &str| {
        let input = payload("input");
        ScheduleRecord::new("app", name, "work", "* * * * *", input, "mail", common::NOW)
    };
    let both = ["broken", "sound"].map(schedule).to_vec();
    store.apply_schedules(both.clone()).await.expect("applies");
    file.execute("UPDATE schedules SET cron = CAST(x'ff' AS TEXT) WHERE name = 'broken'")
        .await;
    let listed = store.list_schedules("app").await.expect("lists");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, "sound");
    let error = store.create_schedule(schedule("broken")).await;
    let error = error.expect_err("is damaged");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("`broken`"), "{error}");
    let tick = Timestamp::from_millis(common::NOW.as_millis() + 1);
    let fired = store.fire_schedule(FireSchedule::new(&listed[0], tick, None));
    assert_eq!(fired.await.expect("fires"), FireOutcome::Fired);
    store
        .delete_schedule("app", "broken")
        .await
        .expect("deletes");
    store.apply_schedules(both).await.expect("applies");
    assert_eq!(store.list_schedules("app").await.expect("lists").len(), 2);
}

#[tokio::test]
async fn what_is_damaged_cannot_be_exported_and_says_so() {
    for sql in [
        DAMAGED_ROWS[0],
        "UPDATE steps SET failed = 7 WHERE workflow = 1",
    ] {
        let file = File::new();
        let (store, _) = damaged(&file, sql).await;
        let error = store.export_workflow("broken").await.expect_err(sql);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("`broken`"), "{error}");
        let sound = store.export_workflow("sound").await;
        assert_eq!(sound.expect("exports").expect("is there").steps.len(), 1);
    }
}
