//! The store on a cluster.
#![cfg(feature = "cluster")]
mod support;

use std::time::Duration;

use durable_api::store::{
    AdministrationStore as _, ArchiveStore as _, CancelWorkflows, DeleteWorkflows,
    ExecutorStore as _, ForkOutcome, ForkWorkflow, ImportOutcome, InsertOutcome,
    LifecycleStore as _, ManagementStore as _, Owner, Payloads, QueueStore as _, RecordOutcome,
    ReleaseDelayed, StepStore as _, StoreErrorKind, Wakeup, WakeupStore as _, WorkflowFilter,
    WorkflowStore as _,
};
use futures::StreamExt as _;
use store_redis::RedisStore;
use support::{
    Server,
    cluster::{Cluster, PREFIXES, SETTINGS, wait_for},
    run, work,
};

#[tokio::test]
async fn a_store_works_on_a_cluster_whichever_node_it_is_told_of() {
    let cluster = Cluster::start().await;
    for prefix in PREFIXES {
        let one = &cluster.masters[0];
        let one = format!("{}?cluster=true&prefix={prefix}", one.url());
        for (number, url) in [cluster.url(prefix), one].into_iter().enumerate() {
            exercise(&work::open(&url).await, &format!("{prefix}-{number}")).await;
        }
    }
}

async fn exercise(store: &RedisStore, id: &str) {
    store.verify().await.expect("is verified");
    let owner = work::owner(store).await;
    work::insert(store, id, owner).await;
    store
        .record_step(work::step(id, owner, 0))
        .await
        .expect("records");
    let child = format!("{id}-child");
    work::insert_child(store, &child, owner, id).await;
    store
        .retire_executor(owner.incarnation)
        .await
        .expect("retires");

    let heir = Owner::new(work::register(store).await, 1);
    let claimed = store
        .claim_workflows(work::claiming(heir))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed.len(), 2);
    assert_eq!(claimed.claimed[0].history.len(), 2);
    let page = store
        .list_workflows(WorkflowFilter::new().parent(id).with_payloads())
        .await
        .expect("lists");
    assert_eq!(page.workflows.len(), 1);
    assert_eq!(page.workflows[0].id, child);
    assert_eq!(page.workflows[0].input, Some(work::payload()));

    work::fill(store, &child, heir).await;
    let mut fork = ForkWorkflow::new(&child, format!("{id}-fork"), 9, work::now());
    fork.version = Some("v2".to_owned());
    let answers = store.fork_workflows(vec![fork]).await.expect("forks");
    assert_eq!(answers, [ForkOutcome::Forked]);
    let mut request = CancelWorkflows::new(vec![id.to_owned()], work::now());
    request.children = true;
    let cancelled = store.cancel_workflows(request).await.expect("cancels");
    assert_eq!(cancelled.changed, [id, &child]);
    let queued = format!("{id}-queued");
    let mut request = work::enqueueing(&queued);
    let enqueue = request.enqueue.as_mut().expect("is queued");
    enqueue.delayed_until = Some(work::now());
    store.insert_workflow(request).await.expect("inserts");
    let release = ReleaseDelayed::new(work::APP, work::now());
    let released = store.release_delayed(release).await.expect("releases");
    assert_eq!(released.released, 1);
    let next = Owner::new(heir.incarnation, 2);
    let taken = work::dequeue(store, work::dequeueing(next)).await;
    assert_eq!(taken, [queued.as_str()]);
    let archive = store.export_workflow(&child).await.expect("exports");
    let mut archive = archive.expect("is there");
    archive.record.id = format!("{id}-import");
    let imported = store.import_workflow(archive).await.expect("imports");
    assert_eq!(imported, ImportOutcome::Imported);
    let request = DeleteWorkflows::new(cancelled.changed);
    let deleted = store.delete_workflows(request).await.expect("deletes");
    assert_eq!(deleted.changed.len(), 2);
}

#[tokio::test]
async fn hints_come_from_whichever_node_and_to_whichever() {
    let cluster = Cluster::start().await;
    for prefix in PREFIXES {
        let mut stores = Vec::new();
        for server in &cluster.masters {
            stores
                .push(work::open(&format!("{}?cluster=true&prefix={prefix}", server.url())).await);
        }
        let owner = work::owner(&stores[0]).await;
        for (number, listener) in stores.iter().enumerate() {
            let mut hints = listener
                .subscribe()
                .await
                .expect("subscribes")
                .into_stream();
            for (other, speaker) in stores.iter().enumerate() {
                let id = format!("{number}-{other}");
                work::insert(speaker, &id, owner).await;
                let finish = work::finish(&id, owner);
                speaker.finish_workflow(finish).await.expect("finishes");
                // Hints of what was done before may come late, by way of the other node.
                let heard = async { while hints.next().await != Some(Wakeup::workflow(&id)) {} };
                let heard = tokio::time::timeout(Duration::from_secs(30), heard).await;
                assert!(
                    heard.is_ok(),
                    "{prefix}: no hint for {id} within half a minute"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_is_not_taken_for_a_server_of_its_own() {
    let server = Server::start(&SETTINGS).await;
    let error = RedisStore::connect(&server.url())
        .await
        .expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("cluster=true"), "{error}");
}

#[tokio::test]
async fn a_node_that_was_killed_comes_back_with_its_work() {
    let mut cluster = Cluster::start().await;
    let url = format!("{}?cluster=true&prefix=a", cluster.masters[0].url());
    let store = work::open(&url).await;
    let owner = work::owner(&store).await;
    work::insert(&store, "one", owner).await;
    cluster.masters[2].restart().await;
    let row = work::persist(async || store.get_workflow("one", Payloads::Omit).await).await;
    assert!(row.is_some());
    let request = work::insertion("two", owner);
    let outcome = work::persist(async || store.insert_workflow(request.clone()).await).await;
    assert_eq!(outcome, InsertOutcome::Inserted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_master_is_killed_its_replica_takes_over_with_all_that_had_reached_it() {
    let mut cluster = Cluster::start().await;
    let [lost, ..] = &cluster.masters;
    let replica = cluster.add_replica(lost).await;
    // Both the keys and the hints are at the first node.
    let store = work::open(&cluster.url(PREFIXES[0])).await;
    let other = work::open(&cluster.url(PREFIXES[0])).await;
    let mut hints = other.subscribe().await.expect("subscribes").into_stream();
    let owner = work::owner(&store).await;
    let ids: Vec<String> = (0..100).map(|number| format!("w{number}")).collect();
    for id in &ids {
        work::insert(&store, id, owner).await;
    }
    let written = offset(lost, "master_repl_offset").await;
    while offset(&replica, "slave_repl_offset").await < written {
        tokio::task::yield_now().await;
    }

    cluster.masters[0].kill();
    let going_on = async || store.record_step(work::step("w0", owner, 0)).await;
    assert_eq!(work::persist(going_on).await, RecordOutcome::Recorded);
    wait_for(&replica, &["INFO", "replication"], |info: &String| {
        info.contains("role:master")
    })
    .await;
    for id in &ids {
        let found = store.get_workflow(id, Payloads::Omit).await;
        assert!(found.expect("reads").is_some(), "{id} is there");
    }
    // A store that is opened after the failover finds its way, too.
    work::insert(&work::open(&cluster.url(PREFIXES[0])).await, "late", owner).await;

    let told = async {
        assert_eq!(hints.next().await, Some(Wakeup::Everything));
        let finish = work::finish("w0", owner);
        store.finish_workflow(finish).await.expect("finishes");
        while hints.next().await != Some(Wakeup::workflow("w0")) {}
    };
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    assert!(told.is_ok(), "hints come from another node");
}

/// How far a server says that replication has come.
async fn offset(server: &Server, name: &str) -> u64 {
    let info: String = run(&server.url(), &["INFO", "replication"]).await;
    let offset = info
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    offset
        .and_then(|offset| offset.trim().parse().ok())
        .expect("tells its offset")
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_unavailable_and_a_wrong_password_is_denied() {
    let refusal = async |url: &str| {
        let error = RedisStore::connect(url).await.expect_err("is refused");
        assert!(!error.to_string().contains("secret"), "{error}");
        error.kind()
    };
    let mut settings = SETTINGS.to_vec();
    settings.extend(["--requirepass", "right"]);
    let mut server = Server::start(&settings).await;
    let wrong = format!("redis://:secret@127.0.0.1:{}?cluster=true", server.port());
    assert_eq!(refusal(&wrong).await, StoreErrorKind::Denied);
    server.kill();
    assert_eq!(refusal(&wrong).await, StoreErrorKind::Unavailable);
}
