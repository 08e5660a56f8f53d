//! A file of an earlier version is brought up to date in place, and goes on working.
mod common;

use common::{
    File, NOW, executor, insert, payload,
    queues::{dequeue, enqueue},
    workflow,
};
use durable_api::{
    WorkflowStatus,
    store::{
        AdministrationStore as _, ClaimWorkflows, ClaimableWorkflow, DeleteWorkflows, EventLookup,
        EventStore as _, FinishOutcome, FinishWorkflow, Incarnation, InsertOutcome,
        LifecycleStore as _, ManagementStore as _, Outcome, Owner, Payloads, ReadStream,
        StepStore as _, StreamStore as _, WorkflowFilter, WorkflowStore as _,
    },
};
use store_sqlite::SqliteStore;
use uuid::Uuid;

/// The life that the rows of version 1 belong to.
const LIFE: Uuid = Uuid::from_u128(7);

/// A file as version 1 has made it: two workflows that run, with all that may belong to one, and one that has ended.
async fn version_1() -> File {
    let file = File::new();
    file.execute("PRAGMA journal_mode = WAL").await;
    file.execute(include_str!("../migrations/0001_initial.sql"))
        .await;
    file.execute(&format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 1",
        0x6472_626c
    ))
    .await;
    let owner = LIFE.simple();
    file.execute(&format!(
        "INSERT INTO executors VALUES (x'{owner}', 'app', 'old', '1', NULL, NULL, 3, 5);
        INSERT INTO workflows (seq, id, app, name, status, version, executor_id, owner_incarnation, owner_execution, \
            recovery_attempts, parent_id, parent_step, attributes, created_at, updated_at, started_at, completed_at, \
            input_encoding, input, outcome_encoding, outcome) VALUES \
            (3, 'running', 'app', 'work', 'PENDING', '1', 'old', x'{owner}', 1, 2, 'p', 4, '{{\"n\":1}}', 1, 2, 1, NULL, \
                'json', x'31', NULL, NULL), \
            (5, 'lost', 'app', 'work', 'PENDING', '1', 'older', x'{lost}', 9, 0, NULL, NULL, NULL, 2, 2, 2, NULL, \
                'json', x'32', NULL, NULL), \
            (9, 'done', 'app', 'work', 'SUCCESS', '1', 'old', x'{owner}', 2, 0, NULL, NULL, NULL, 3, 9, 3, 9, \
                'json', x'33', 'json', x'34');
        INSERT INTO attributes VALUES (3, 'n', '1');
        INSERT INTO steps VALUES (3, 0, 'step', NULL, 1, 2, 0, 'json', x'35'), (5, 0, 'step', NULL, 1, 2, 0, 'json', x'36');
        INSERT INTO events (workflow, key, step_id, encoding, value) VALUES (3, 'key', 0, 'json', x'37');
        INSERT INTO stream_values VALUES (3, 'out', 0, 0, x'{lost}', 'json', x'38');
        INSERT INTO messages (workflow, topic, message_id, encoding, payload) VALUES (3, '', 'm', 'json', x'39');",
        lost = Uuid::from_u128(8).simple(),
    ))
    .await;
    file
}

async fn migrated(file: &File) -> SqliteStore {
    let store = SqliteStore::connect_with(file.options())
        .await
        .expect("connects");
    store.verify().await.expect_err("is older");
    store.migrate().await.expect("migrates");
    store.verify().await.expect("is of this version");
    store
}

#[tokio::test]
async fn a_file_of_version_1_keeps_all_that_is_in_it() {
    let file = version_1().await;
    let store = migrated(&file).await;
    let page = store
        .list_workflows(WorkflowFilter::new().with_payloads())
        .await
        .expect("lists");
    assert_eq!(page.damaged, []);
    let [running, lost, done] = &page.workflows[..] else {
        panic!("{:?}", page.workflows);
    };
    for record in [running, lost, done] {
        assert_eq!(
            (&record.queue, record.priority),
            (&None, 0),
            "was in no queue"
        );
    }
    assert_eq!(running.owner, Some(Owner::new(Incarnation(LIFE), 1)));
    assert_eq!(running.recovery_attempts, 2);
    assert_eq!(
        running.parent.as_ref().map(|parent| parent.step_id),
        Some(4)
    );
    assert_eq!(running.input, Some(payload("1")));
    assert_eq!(done.status, WorkflowStatus::Success);
    assert_eq!(done.outcome, Some(Outcome::Success(payload("4"))));
    let found = store
        .list_workflows(WorkflowFilter::new().attribute("n", 1))
        .await;
    assert_eq!(found.expect("lists").workflows[0].id, "running");
    let steps = store.list_steps("running").await.expect("lists");
    assert_eq!((steps.len(), &steps[0].completions), (1, &None));
    let event = store.get_event("running", "key").await.expect("reads");
    assert_eq!(event, EventLookup::Value(payload("7")));
    let stream = store
        .read_stream(ReadStream::new("running", "out", 0))
        .await;
    assert_eq!(stream.expect("reads").values, [payload("8")]);
}

#[tokio::test]
async fn a_file_of_version_1_goes_on_working() {
    let file = version_1().await;
    let store = migrated(&file).await;
    let finish =
        |id: &str, owner| FinishWorkflow::new(id, owner, Outcome::Success(payload("")), NOW);
    let owner = Owner::new(Incarnation(LIFE), 1);
    let finished = store.finish_workflow(finish("running", owner)).await;
    assert_eq!(finished.expect("finishes"), FinishOutcome::Finished);

    let life = executor(&store).await;
    let names = vec![ClaimableWorkflow::new("work", 10)];
    let claim = ClaimWorkflows::new("app", "1", names, Owner::new(life, 1), NOW);
    let claimed = store.claim_workflows(claim).await.expect("claims");
    assert_eq!(claimed.claimed.len(), 1);
    assert_eq!(claimed.claimed[0].record.id, "lost");
    assert_eq!(claimed.claimed[0].history.len(), 1);

    let known = store
        .insert_workflow(workflow("done", Owner::new(life, 2)))
        .await;
    assert!(matches!(known, Ok(InsertOutcome::Existing(record)) if record.id == "done"));
    insert(&store, "new", Owner::new(life, 3)).await;
    enqueue(&store, "queued").await;
    assert_eq!(dequeue(&store, Owner::new(life, 4), 10).await, ["queued"]);

    // What belongs to a workflow still goes with it.
    let delete = DeleteWorkflows::new(vec!["running".to_owned()]);
    store.delete_workflows(delete).await.expect("deletes");
    assert_eq!(
        store
            .get_workflow("running", Payloads::Omit)
            .await
            .expect("reads"),
        None
    );
    for table in ["attributes", "steps", "events", "stream_values", "messages"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE workflow = 3");
        let row = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql));
        let left = row.fetch_one(&mut file.raw().await).await.expect("counts");
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_that_migrate_a_file_of_version_1_at_once_all_succeed() {
    let file = version_1().await;
    let handles = (0..4).map(|_| {
        let options = file.options();
        tokio::spawn(async move {
            let store = SqliteStore::connect_with(options).await.expect("connects");
            store.migrate().await
        })
    });
    for handle in futures::future::join_all(handles).await {
        handle.expect("does not panic").expect("migrates");
    }
    let store = file.open().await;
    let page = store
        .list_workflows(WorkflowFilter::new())
        .await
        .expect("lists");
    assert_eq!(page.workflows.len(), 3);
}
