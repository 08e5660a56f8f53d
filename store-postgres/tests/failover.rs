//! The store on a primary and its standby, when the primary is lost and the standby is promoted.
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use durable_api::store::{
    LifecycleStore, MessageStore, Owner, Payloads, RecordOutcome, StepRef, StepStore,
    StoreErrorKind, TransactionOutcome, TransactionStore, Wakeup, WakeupStore, WorkflowStore,
};
use futures::StreamExt as _;
use store_postgres::{PgDataSource, PostgresStore};
use support::{bodies, effect, insert, message, pair::Pair, proxy::Silencer, register, step};
use tokio::time::timeout;

/// As long as anything may take here.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(url: &str) -> Arc<PostgresStore> {
    let store = PostgresStore::connect(url).await.expect("connects");
    store.migrate().await.expect("migrates");
    Arc::new(store)
}

/// Writes checkpoints of one workflow, in order, and repeats what failed until it is told to stop.
struct Writer {
    acknowledged: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Vec<StoreErrorKind>>,
}

impl Writer {
    fn start(store: Arc<PostgresStore>, id: &'static str, owner: Owner) -> Self {
        let acknowledged = Arc::new(AtomicU32::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (count, stopped) = (Arc::clone(&acknowledged), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let mut failures = Vec::new();
            while !stopped.load(Ordering::Acquire) {
                let next = count.load(Ordering::Acquire);
                match store.record_step(step(id, owner, next)).await {
                    // A repetition of a write that was applied, but not acknowledged, finds it.
                    Ok(RecordOutcome::Recorded | RecordOutcome::AlreadyRecorded(_)) => {
                        count.fetch_add(1, Ordering::AcqRel);
                    }
                    Ok(other) => panic!("step {next}: {other:?}"),
                    Err(error) => failures.push(error.kind()),
                }
            }
            failures
        });
        Self {
            acknowledged,
            stop,
            task,
        }
    }

    /// Waits until so many more writes are acknowledged.
    async fn wait_for_more(&self, more: u32) {
        let wanted = self.acknowledged.load(Ordering::Acquire) + more;
        let deadline = Instant::now() + PATIENCE;
        while self.acknowledged.load(Ordering::Acquire) < wanted {
            assert!(Instant::now() < deadline, "the writes do not go on");
            tokio::task::yield_now().await;
        }
    }

    /// How many writes were acknowledged, and what failed between.
    async fn finish(self) -> (u32, Vec<StoreErrorKind>) {
        self.stop.store(true, Ordering::Release);
        let failures = self.task.await.expect("does not panic");
        (self.acknowledged.load(Ordering::Acquire), failures)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_primary_crashes_the_promoted_standby_is_found_and_has_every_acknowledged_write() {
    let pair = Pair::start().await;
    let url = pair.url(pair.primary.port, "max_connections=4");
    let (store, other) = (open(&url).await, open(&url).await);
    let owner = Owner::new(register(&store, "one").await, 1);
    for id in ["a", "b"] {
        insert(&store, id, owner).await;
    }
    let mut hints = other.subscribe().await.expect("subscribes").into_stream();
    let writers = ["a", "b"].map(|id| Writer::start(Arc::clone(&store), id, owner));
    for writer in &writers {
        writer.wait_for_more(20).await;
    }

    pair.primary.crash();
    pair.standby.promote();
    let promoted = Instant::now();
    for writer in &writers {
        writer.wait_for_more(20).await;
    }
    let took = promoted.elapsed();
    assert!(took < Duration::from_secs(10), "it took {took:?}");

    // Hints come from the new primary, after everybody was told to look again.
    let look_again = timeout(PATIENCE, hints.next()).await.expect("is told");
    assert_eq!(look_again, Some(Wakeup::Everything));
    let sent = store.send_message(message("a", "m", "1")).await;
    sent.expect("sends");
    let told = async {
        while let Some(hint) = hints.next().await {
            if hint == Wakeup::workflow("a") {
                return;
            }
        }
        panic!("the hints ended");
    };
    timeout(PATIENCE, told).await.expect("is told");

    for (id, writer) in ["a", "b"].into_iter().zip(writers) {
        let (acknowledged, failures) = writer.finish().await;
        let harmless = failures.iter().all(|kind| kind.is_transient());
        assert!(harmless, "{failures:?}");
        let steps = store.list_steps(id).await.expect("lists");
        let found: Vec<u32> = steps.iter().map(|step| step.step_id).collect();
        let all: Vec<u32> = (0..acknowledged).collect();
        assert_eq!(found[..all.len()], all, "every acknowledged write is there");
        assert!(
            found.len() <= all.len() + 1,
            "and none that was not asked for"
        );
    }
    store.ping().await.expect("answers");
}

/// Runs a transactional step until it does not fail for a reason that passes.
async fn run_transaction(store: &dyn TransactionStore, step: StepRef) {
    let body = bodies::sql("INSERT INTO effects VALUES (1)");
    let deadline = Instant::now() + PATIENCE;
    loop {
        match store.run_transaction(step.clone(), &body).await {
            Ok(TransactionOutcome::Committed | TransactionOutcome::AlreadyRecorded(_)) => return,
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(
                error.kind().is_transient() && Instant::now() < deadline,
                "{error}"
            ),
        }
    }
}

#[tokio::test]
async fn transactional_steps_go_on_at_the_promoted_standby_and_happen_once() {
    let pair = Pair::start().await;
    pair.primary.run("CREATE TABLE effects (a int)").await;
    let url = pair.url(pair.primary.port, "");
    let store = open(&url).await;
    let source = PgDataSource::connect(&url).await.expect("connects");
    let owner = Owner::new(register(&store, "one").await, 1);
    for id in ["before", "after"] {
        insert(&store, id, owner).await;
    }
    run_transaction(&*store, effect("before", owner, 0)).await;
    run_transaction(&source, effect("before", owner, 0)).await;
    pair.primary.crash();
    pair.standby.promote();
    run_transaction(&source, effect("after", owner, 0)).await;
    run_transaction(&*store, effect("after", owner, 0)).await;
    pair.standby
        .wait_for("SELECT count(*) FROM effects HAVING count(*) = 4")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_gone_without_a_word_is_given_up_for_the_promoted_standby() {
    let pair = Pair::start().await;
    let way = Silencer::to(pair.primary.port).await;
    let store = open(&pair.url(way.port, "max_connections=2")).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    let ids = ["a", "b", "c", "d"];
    for id in ids {
        insert(&store, id, owner).await;
    }
    let writers = ids.map(|id| Writer::start(Arc::clone(&store), id, owner));
    for writer in &writers {
        writer.wait_for_more(5).await;
    }

    way.silence();
    pair.standby.promote();
    let promoted = Instant::now();
    for writer in &writers {
        writer.wait_for_more(5).await;
    }
    let took = promoted.elapsed();
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    for (id, writer) in ids.into_iter().zip(writers) {
        let (acknowledged, failures) = writer.finish().await;
        let harmless = failures.iter().all(|kind| kind.is_transient());
        assert!(harmless, "{failures:?}");
        let steps = store.list_steps(id).await.expect("lists");
        assert!(steps.len() >= acknowledged as usize);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_silent_before_its_next_use_costs_no_place_in_the_pool() {
    let pair = Pair::start().await;
    let way = Silencer::to(pair.primary.port).await;
    let store = open(&pair.url(way.port, "max_connections=1")).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;

    way.silence();
    // Begins a transaction, on a connection that nobody has found out about.
    let writer = Writer::start(Arc::clone(&store), "w", owner);
    pair.standby.promote();
    writer.wait_for_more(1).await;
    let (acknowledged, failures) = writer.finish().await;
    let harmless = failures.iter().all(|kind| kind.is_transient());
    assert!(harmless, "{failures:?}");
    let steps = store.list_steps("w").await.expect("lists");
    assert!(steps.len() >= acknowledged as usize);
}

#[tokio::test]
async fn the_primary_is_found_whatever_the_order_and_a_lone_standby_is_refused() {
    let pair = Pair::start().await;
    // The standby stands first in the list.
    let store = open(&pair.url(pair.primary.port, "")).await;
    let owner = Owner::new(register(&store, "one").await, 1);
    insert(&store, "w", owner).await;
    assert_eq!(
        store.describe().location,
        format!(
            "127.0.0.1:{},127.0.0.1:{}/postgres schema durable",
            pair.standby.port, pair.primary.port
        )
    );

    let url = format!(
        "{}?acquire_timeout_ms=2000&target_session_attrs=",
        pair.standby.url()
    );
    for wanted in ["read-write", "primary"] {
        let refused = PostgresStore::connect(&format!("{url}{wanted}")).await;
        let error = refused.expect_err("is a standby");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(&pair.standby.port.to_string()), "{shown}");
        assert!(!shown.contains("sesame"), "{shown}");
    }
    let any = PostgresStore::connect(&format!("{url}any")).await;
    let any = any.expect("a standby is as good as any");
    let read = any.get_workflow("w", Payloads::Omit).await;
    assert!(read.expect("reads").is_some());
}
