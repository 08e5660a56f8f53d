//! Hints between processes, which are stores of their own here.
mod support;

use std::{collections::HashSet, time::Duration};

use durable_api::store::{
    AppendStream, CancelWorkflows, DeleteWorkflows, EventStore, ExecutorStore, ForkWorkflow,
    ManagementStore, MessageStore, Owner, ResumeWorkflows, SetEvent, StreamStore, Wakeup,
    WakeupStore,
};
use futures::{StreamExt as _, future::join_all, stream::BoxStream};
use sqlx::{AssertSqlSafe, Connection as _, postgres::PgListener};
use store_postgres::PostgresStore;
use support::{
    connect, drop_schema, effect, finish, fresh_schema, insert, message, now, open_migrated,
    options, payload, register, run,
};
use uuid::Uuid;

/// The channel of a schema.
fn channel(schema: &str) -> String {
    format!("durable_{:016x}", Wakeup::key(schema))
}

async fn subscribe(store: &PostgresStore) -> BoxStream<'static, Wakeup> {
    store.subscribe().await.expect("subscribes").into_stream()
}

/// Takes hints until there is one for each of these, for half a minute at most.
async fn await_hints(hints: &mut BoxStream<'static, Wakeup>, wanted: &[Wakeup]) {
    let mut missing: HashSet<Wakeup> = wanted.iter().copied().collect();
    let taken = async {
        while !missing.is_empty() {
            let hint = hints.next().await.expect("does not end");
            assert_ne!(hint, Wakeup::Everything, "nothing was lost");
            missing.remove(&hint);
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), taken).await;
    assert!(in_time.is_ok(), "still missing: {missing:?}");
}

/// Makes every kind of change, and awaits its hint.
async fn change_everything(store: &PostgresStore, hints: &mut BoxStream<'static, Wakeup>) {
    let hint = [Wakeup::workflow("w")];
    let claimable = [Wakeup::Claimable];
    let owner = Owner::new(register(store, "one").await, 1);
    insert(store, "w", owner).await;
    let sent = store.send_message(message("w", "m", "1")).await;
    sent.expect("sends");
    await_hints(hints, &hint).await;
    let event = SetEvent::new(effect("w", owner, 0), "key", payload("1"), now());
    store.set_event(event).await.expect("sets");
    await_hints(hints, &hint).await;
    let step = effect("w", owner, 1);
    let write = AppendStream::value(step, "key", payload("1"), Uuid::new_v4(), now());
    store.append_stream(write).await.expect("appends");
    await_hints(hints, &hint).await;
    let fork = ForkWorkflow::new("w", "f", 1, now());
    store.fork_workflows(vec![fork]).await.expect("forks");
    await_hints(hints, &claimable).await;
    finish(store, "w", owner).await;
    await_hints(hints, &hint).await;
    let delete = DeleteWorkflows::new(vec!["w".to_owned()]);
    store.delete_workflows(delete).await.expect("deletes");
    await_hints(hints, &hint).await;
    let fork = vec!["f".to_owned()];
    let cancel = CancelWorkflows::new(fork.clone(), now());
    store.cancel_workflows(cancel).await.expect("cancels");
    await_hints(hints, &[Wakeup::workflow("f")]).await;
    let resume = ResumeWorkflows::new(fork, now());
    store.resume_workflows(resume).await.expect("resumes");
    await_hints(hints, &claimable).await;
    insert(store, "x", owner).await;
    let retired = store.retire_executor(owner.incarnation).await;
    assert_eq!(retired.expect("retires").released, 1);
    await_hints(hints, &claimable).await;
}

#[tokio::test]
async fn every_change_is_told_to_other_processes() {
    let schema = fresh_schema();
    let (one, other) = (open_migrated(&schema).await, open_migrated(&schema).await);
    let mut hints = subscribe(&other).await;
    change_everything(&one, &mut hints).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn behind_a_proxy_a_store_tells_of_its_own_changes() {
    let schema = fresh_schema();
    open_migrated(&schema).await;
    let proxied = options(&schema).transaction_pooling(true);
    let store = PostgresStore::connect_with(proxied)
        .await
        .expect("connects");
    let mut hints = subscribe(&store.clone()).await;
    change_everything(&store, &mut hints).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn behind_a_proxy_others_are_heard_by_an_address_without_it() {
    let schema = fresh_schema();
    let one = open_migrated(&schema).await;
    let proxied = options(&schema)
        .transaction_pooling(true)
        .listen_url(support::url());
    let other = PostgresStore::connect_with(proxied)
        .await
        .expect("connects");
    let mut hints = subscribe(&other).await;
    change_everything(&one, &mut hints).await;
    // And the other way: a proxy does not keep anybody from notifying.
    let mut hints = subscribe(&one).await;
    let owner = Owner::new(register(&other, "other").await, 1);
    insert(&other, "y", owner).await;
    finish(&other, "y", owner).await;
    await_hints(&mut hints, &[Wakeup::workflow("y")]).await;
    drop_schema(&schema).await;
}

#[tokio::test]
async fn a_process_is_woken_once_by_a_change_of_its_own() {
    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let mut hints = subscribe(&store).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    let sent = store.send_message(message("w", "m", "1")).await;
    sent.expect("sends");
    // Notifications keep their order: before this one comes, that of the store would have come.
    run(&format!(
        "SELECT pg_notify('{}', '0000000000000000claimable.......')",
        channel(&schema)
    ))
    .await;
    assert_eq!(hints.next().await, Some(Wakeup::workflow("w")));
    assert_eq!(hints.next().await, Some(Wakeup::Claimable));
    drop_schema(&schema).await;
}

#[tokio::test]
async fn schemas_hear_nothing_of_each_other() {
    let (schema, elsewhere) = (fresh_schema(), fresh_schema());
    let one = open_migrated(&schema).await;
    let mut hints = subscribe(&open_migrated(&schema).await).await;
    let far = open_migrated(&elsewhere).await;
    for (store, id) in [(&far, "far"), (&one, "near")] {
        let owner = Owner::new(register(store, "one").await, 1);
        insert(store, id, owner).await;
        store
            .send_message(message(id, "m", "1"))
            .await
            .expect("sends");
    }
    assert_eq!(hints.next().await, Some(Wakeup::workflow("near")));
    drop_schema(&schema).await;
    drop_schema(&elsewhere).await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_anew_and_says_everything() {
    let schema = fresh_schema();
    let one = open_migrated(&schema).await;
    let mut url = url::Url::parse(&support::url()).expect("is a url");
    url.query_pairs_mut()
        .append_pair("application_name", &schema);
    let direct = options(&schema).listen_url(url);
    let other = PostgresStore::connect_with(direct).await.expect("connects");
    let mut hints = subscribe(&other).await;
    run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'"
    ))
    .await;
    assert_eq!(hints.next().await, Some(Wakeup::Everything));

    let owner = Owner::new(register(&one, "one").await, 1);
    insert(&one, "w", owner).await;
    finish(&one, "w", owner).await;
    // The driver may have noticed the loss more than once.
    loop {
        match hints.next().await {
            Some(Wakeup::Everything) => {}
            hint => break assert_eq!(hint, Some(Wakeup::workflow("w"))),
        }
    }
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_come_together_share_notifications() {
    const MANY: usize = 300;

    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    let ids: Vec<String> = (0..MANY).map(|n| format!("w{n}")).collect();
    join_all(ids.iter().map(|id| insert(&store, id, owner))).await;
    let mut listener = PgListener::connect(&support::url())
        .await
        .expect("connects");
    listener.listen(&channel(&schema)).await.expect("listens");
    join_all(ids.iter().map(|id| finish(&store, id, owner))).await;

    let mut missing: HashSet<String> = ids
        .iter()
        .map(|id| format!("{:016x}", Wakeup::key(id)))
        .collect();
    let mut notifications = 0;
    while !missing.is_empty() {
        let notification = listener.recv().await.expect("receives");
        notifications += 1;
        let (_origin, keys) = notification.payload().split_at(16);
        for key in keys.as_bytes().chunks(16) {
            missing.remove(str::from_utf8(key).expect("is text"));
        }
    }
    drop_schema(&schema).await;
    assert!(
        notifications <= MANY / 10,
        "{notifications} notifications of {MANY} changes"
    );
}

#[tokio::test]
async fn steps_send_no_notification() {
    use durable_api::store::StepStore as _;

    let schema = fresh_schema();
    let store = open_migrated(&schema).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    let mut listener = PgListener::connect(&support::url())
        .await
        .expect("connects");
    listener.listen(&channel(&schema)).await.expect("listens");
    for n in 0..20 {
        let recorded = store.record_step(support::step("w", owner, n)).await;
        recorded.expect("records");
    }
    let last = format!("NOTIFY {}, 'last'", channel(&schema));
    let mut connection = connect().await;
    let sent = sqlx::raw_sql(AssertSqlSafe(last)).execute(&mut connection);
    sent.await.expect("notifies");
    connection.close().await.expect("closes");
    let first = listener.recv().await.expect("receives");
    assert_eq!(first.payload(), "last");
    drop_schema(&schema).await;
}

#[test]
fn hints_may_be_dropped_outside_of_the_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let schema = fresh_schema();
    let hints = runtime.block_on(async {
        let store = open_migrated(&schema).await;
        store.subscribe().await.expect("subscribes")
    });
    drop(hints);
    runtime.block_on(drop_schema(&schema));
}

#[tokio::test]
async fn an_address_to_listen_at_that_cannot_be_read_is_refused_without_its_secrets() {
    for url in [
        "postgres://u:sesame@h:port/d",
        "postgres://h/d?schema=sesame",
    ] {
        let error = PostgresStore::connect_with(options("s").listen_url(url))
            .await
            .expect_err(url);
        assert_eq!(error.kind(), durable_api::store::StoreErrorKind::Invalid);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("sesame"), "{shown}");
        assert!(shown.contains("listen_url"), "{shown}");
    }
}
