//! The schema: who creates it, who may not, and what is left alone.
mod support;

use durable_api::store::{
    AdministrationStore, Incarnation, InsertOutcome, LifecycleStore, Owner, Payloads, QueueRecord,
    QueueStore, StoreErrorKind, WorkflowFilter, WorkflowStore,
};
use futures::future::join_all;
use store_postgres::PostgresStore;
use support::{
    APP, NAME, VERSION, dequeue, drop_schema, enqueue_in, fresh_schema, ids, number, open, quoted,
    register, run, workflow,
};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_migrate_once() {
    let schema = fresh_schema();
    let stores = join_all((0..8).map(|_| open(&schema))).await;
    let migrations = join_all(stores.into_iter().map(|store| {
        tokio::spawn(async move {
            store.migrate().await?;
            store.verify().await
        })
    }));
    for migrated in migrations.await {
        migrated.expect("does not panic").expect("migrates");
    }
    let applied = number(&format!("SELECT count(*) FROM {schema}.migrations")).await;
    let latest = number(&format!("SELECT max(version) FROM {schema}.migrations")).await;
    drop_schema(&schema).await;
    assert_eq!(applied, latest, "each migration once");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let schema = fresh_schema();
    let store = support::open_migrated(&schema).await;
    run(&format!(
        "INSERT INTO {schema}.migrations (version) VALUES (4711)"
    ))
    .await;
    let rows = format!("SELECT count(*) FROM {schema}.migrations");
    let before = number(&rows).await;

    for refused in [store.migrate().await, store.verify().await] {
        let error = refused.expect_err("is refused");
        assert_eq!(error.kind(), StoreErrorKind::Incompatible);
        let shown = error.to_string();
        let known = before - 1;
        assert!(shown.contains("4711"), "{shown}");
        assert!(shown.contains(&format!("up to {known}")), "{shown}");
    }
    let after = number(&rows).await;
    drop_schema(&schema).await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn an_older_schema_is_told_from_an_absent_one_and_neither_is_written() {
    let schema = fresh_schema();
    let store = open(&schema).await;
    let error = store.verify().await.expect_err("is absent");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    let schemas = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{schema}'");
    assert_eq!(number(&schemas).await, 0, "verify creates nothing");

    store.migrate().await.expect("migrates");
    run(&format!(
        "UPDATE {schema}.migrations SET version = version - 1"
    ))
    .await;
    let error = store.verify().await.expect_err("is older");
    drop_schema(&schema).await;
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    assert!(error.to_string().contains("run migrate"), "{error}");
}

#[tokio::test]
async fn work_before_migrating_says_what_to_do() {
    let store = open(&fresh_schema()).await;
    let listed = store.list_workflows(WorkflowFilter::new()).await;
    let error = listed.expect_err("there is nothing to list");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    assert!(error.to_string().contains("run migrate"), "{error}");
}

#[tokio::test]
async fn hostile_schema_names_are_names() {
    let unique = fresh_schema();
    for name in [
        format!("{unique}\"; DROP SCHEMA public; --"),
        format!("{unique} {{schema}}.$1 '"),
        format!("{unique}.Ünï %s \\"),
        "SELECT".to_owned() + &unique,
    ] {
        let store = open(&name).await;
        store.migrate().await.expect("migrates");
        store.verify().await.expect("is verified");
        let owner = Owner::new(register(&store, "one").await, 1);
        let inserted = store.insert_workflow(workflow("w", owner)).await;
        assert_eq!(
            inserted.expect("inserts"),
            InsertOutcome::Inserted,
            "{name}"
        );
        let rows = format!("SELECT count(*) FROM {}.workflows", quoted(&name));
        assert_eq!(number(&rows).await, 1, "{name}");
        enqueue_in(&store, "q", "queue", "partition").await;
        store
            .put_queue(QueueRecord::new(APP, "queue"))
            .await
            .expect("configures");
        let answer = dequeue(&store, Owner::new(owner.incarnation, 2), 10).await;
        assert_eq!(ids(&answer), ["q"], "{name}");
        drop_schema(&name).await;
    }
}

#[tokio::test]
async fn a_user_who_may_not_create_the_schema_is_told_which_privilege_is_missing() {
    let schema = fresh_schema();
    let role = Role::create().await;
    let store = role.open(&schema).await;
    let error = store.migrate().await.expect_err("is denied");
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    let shown = error.to_string();
    assert!(
        shown.contains(&format!(
            "creating schema `{schema}` needs CREATE on the database"
        )),
        "{shown}"
    );
    role.drop().await;
}

#[tokio::test]
async fn a_user_who_may_not_write_is_told_by_verify_on_which_tables() {
    let schema = fresh_schema();
    support::open_migrated(&schema).await;
    let role = Role::create().await;
    let store = role.open(&schema).await;
    let error = store.verify().await.expect_err("is denied");
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert!(error.to_string().contains("USAGE"), "{error}");

    let name = &role.name;
    run(&format!(
        "GRANT USAGE ON SCHEMA {schema} TO {name};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name};
         REVOKE DELETE ON {schema}.steps FROM {name}"
    ))
    .await;
    let error = store.verify().await.expect_err("is denied");
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert!(
        error.to_string().contains("DELETE on table steps"),
        "{error}"
    );

    // Migrated by another user, it needs no more than these.
    run(&format!("GRANT DELETE ON {schema}.steps TO {name}")).await;
    store.migrate().await.expect("finds nothing to do");
    store.verify().await.expect("is verified");
    let owner = Owner::new(register(&store, "one").await, 1);
    enqueue_in(&store, "q", "queue", "partition").await;
    store
        .put_queue(QueueRecord::new(APP, "queue"))
        .await
        .expect("configures");
    assert_eq!(ids(&dequeue(&store, owner, 10).await), ["q"]);
    drop_schema(&schema).await;
    role.drop().await;
}

/// The schema of version 1, as that version left it.
async fn schema_of_version_1(schema: &str) {
    let script = include_str!("../migrations/0001_initial.sql").replace("{schema}", schema);
    run(&format!(
        "CREATE SCHEMA {schema};
         CREATE TABLE {schema}.migrations (
             version bigint NOT NULL PRIMARY KEY,
             applied_at timestamptz NOT NULL DEFAULT now()
         );
         {script};
         INSERT INTO {schema}.migrations (version) VALUES (1)"
    ))
    .await;
}

#[tokio::test]
async fn a_store_of_version_1_is_migrated_with_all_that_is_in_it() {
    let schema = fresh_schema();
    schema_of_version_1(&schema).await;
    let living = Uuid::new_v4();
    let lost = Uuid::new_v4();
    run(&format!(
        "INSERT INTO {schema}.executors (incarnation, app, executor_id, version, registered_at)
         VALUES ('{living}', '{APP}', 'one', '{VERSION}', 1);
         INSERT INTO {schema}.workflows
             (id, app, name, status, version, executor_id, owner_incarnation, owner_execution,
              created_at, updated_at, started_at, input_encoding, input)
         SELECT o.id, '{APP}', '{NAME}', 'PENDING', '{VERSION}', 'one', o.incarnation::uuid, 7,
                1, 1, 1, 'json', '1'
         FROM (VALUES ('running', '{living}'), ('orphan', '{lost}')) AS o (id, incarnation);
         INSERT INTO {schema}.workflows
             (id, app, name, status, version, created_at, updated_at, completed_at,
              input_encoding, input, outcome_encoding, outcome)
         VALUES ('done', '{APP}', '{NAME}', 'SUCCESS', '{VERSION}', 1, 2, 2, 'json', '1', 'json', '2');
         INSERT INTO {schema}.steps
             (workflow_id, step_id, name, failed, started_at, completed_at, outcome_encoding, outcome)
         VALUES ('orphan', 0, 'step', false, 1, 1, 'json', '2')"
    ))
    .await;
    let store = open(&schema).await;
    let error = store.verify().await.expect_err("is older");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    store.migrate().await.expect("migrates");
    store.verify().await.expect("is verified");

    for id in ["running", "orphan", "done"] {
        let record = store.get_workflow(id, Payloads::Load).await;
        let record = record.expect("is sound").expect("is there");
        let none = (record.queue, record.priority, record.schedule);
        assert_eq!(none, (None, 0, None), "{id}");
    }
    let owner = Owner::new(Incarnation(living), 7);
    support::finish(&store, "running", owner).await;
    let heir = Owner::new(register(&store, "heir").await, 1);
    let answer = store.claim_workflows(support::claim(heir)).await;
    let answer = answer.expect("claims");
    assert_eq!(answer.requeued, Vec::<String>::new());
    assert_eq!(answer.claimed.len(), 1);
    assert_eq!(answer.claimed[0].record.id, "orphan");
    assert_eq!(answer.claimed[0].history.len(), 1);
    enqueue_in(&store, "new", "queue", "partition").await;
    let answer = dequeue(&store, Owner::new(heir.incarnation, 2), 10).await;
    assert_eq!(ids(&answer), ["new"]);
    drop_schema(&schema).await;
}

/// A user without privileges.
struct Role {
    name: String,
}

impl Role {
    async fn create() -> Self {
        let name = fresh_schema();
        run(&format!("CREATE ROLE {name} LOGIN PASSWORD 'sesame'")).await;
        Self { name }
    }

    async fn open(&self, schema: &str) -> PostgresStore {
        let mut url = url::Url::parse(&support::url()).expect("is a url");
        url.set_username(&self.name).expect("has a host");
        url.set_password(Some("sesame")).expect("has a host");
        url.query_pairs_mut()
            .append_pair("schema", schema)
            .append_pair("max_connections", "2");
        PostgresStore::connect(url.as_str())
            .await
            .expect("connects")
    }

    async fn drop(self) {
        run(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name)).await;
    }
}
