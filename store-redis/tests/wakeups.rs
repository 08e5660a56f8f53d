//! Hints: who waits is told by whatever connection made the change, and told when hints may have been lost.
mod support;

use std::time::{Duration, Instant};

use durable_api::{
    WorkflowStatus,
    store::{
        CancelExpired, CancelWorkflows, DeleteFinished, DeleteWorkflows, EventStore as _,
        ExecutorStore as _, FinishOutcome, ForkWorkflow, ManagementStore as _, MessageStore as _,
        Owner, Payloads, ResumeWorkflows, StoreErrorKind, StreamStore as _, Wakeup,
        WakeupStore as _, WorkflowStore as _,
    },
};
use futures::{StreamExt as _, stream::BoxStream};
use store_redis::{RedisOptions, RedisStore};
use support::{Server, clean, fresh_prefix, proxy::Proxy, run, shared_url, work};

async fn subscribe(store: &RedisStore) -> BoxStream<'static, Wakeup> {
    store.subscribe().await.expect("subscribes").into_stream()
}

async fn next(hints: &mut BoxStream<'static, Wakeup>) -> Wakeup {
    tokio::time::timeout(Duration::from_secs(30), hints.next())
        .await
        .expect("a hint within half a minute")
        .expect("hints do not end")
}

/// Two handles with connections of their own on one namespace, and an owner.
struct Bench {
    prefix: String,
    url: String,
    one: RedisStore,
    other: RedisStore,
    owner: Owner,
}

impl Bench {
    async fn new() -> Self {
        let prefix = fresh_prefix();
        let url = shared_url(&prefix);
        let (one, other) = (work::open(&url).await, work::open(&url).await);
        let owner = work::owner(&one).await;
        work::insert(&one, "w", owner).await;
        Self {
            prefix,
            url,
            one,
            other,
            owner,
        }
    }

    /// What the other handle hears first when this one does something.
    async fn hears(&self, something: impl AsyncFnOnce(&RedisStore)) -> Wakeup {
        let mut hints = subscribe(&self.other).await;
        something(&self.one).await;
        next(&mut hints).await
    }

    async fn end(self) {
        clean(&self.url, &self.prefix).await;
    }
}

#[tokio::test]
async fn effects_and_the_end_of_a_workflow_are_heard_on_another_connection() {
    let bench = Bench::new().await;
    let (w, owner) = (Wakeup::workflow("w"), bench.owner);
    let heard = bench
        .hears(async |store| {
            store.send_message(work::message("w")).await.expect("sends");
        })
        .await;
    assert_eq!(heard, w, "a message, by its destination");
    let heard = bench
        .hears(async |store| {
            let event = work::event("w", owner, 1);
            store.set_event(event).await.expect("sets");
        })
        .await;
    assert_eq!(heard, w, "an event");
    let heard = bench
        .hears(async |store| {
            let value = work::value("w", owner, 2);
            store.append_stream(value).await.expect("appends");
        })
        .await;
    assert_eq!(heard, w, "a value of a stream");
    let heard = bench
        .hears(async |store| {
            let finish = work::finish("w", owner);
            store.finish_workflow(finish).await.expect("finishes");
        })
        .await;
    assert_eq!(heard, w, "the end");
    let heard = bench
        .hears(async |store| {
            let mut request = DeleteFinished::new(work::APP);
            request.keep_latest = Some(0);
            let deleted = store.delete_finished(request).await.expect("deletes");
            assert_eq!(deleted, 1);
        })
        .await;
    assert_eq!(heard, w, "the deletion of what ended");
    bench.end().await;
}

#[tokio::test]
async fn management_is_heard_on_another_connection() {
    let bench = Bench::new().await;
    let w = Wakeup::workflow("w");
    let ids = || vec!["w".to_owned()];
    let heard = bench
        .hears(async |store| {
            let fork = ForkWorkflow::new("w", "fork", 0, work::now());
            store.fork_workflows(vec![fork]).await.expect("forks");
        })
        .await;
    assert_eq!(heard, Wakeup::Claimable, "a fork");
    let heard = bench
        .hears(async |store| {
            let cancel = CancelWorkflows::new(ids(), work::now());
            store.cancel_workflows(cancel).await.expect("cancels");
        })
        .await;
    assert_eq!(heard, w, "a cancellation");
    let mut hints = subscribe(&bench.other).await;
    let resume = ResumeWorkflows::new(ids(), work::now());
    bench.one.resume_workflows(resume).await.expect("resumes");
    while next(&mut hints).await != Wakeup::Claimable {}
    let heard = bench
        .hears(async |store| {
            let delete = DeleteWorkflows::new(ids());
            store.delete_workflows(delete).await.expect("deletes");
        })
        .await;
    assert_eq!(heard, w, "a deletion");
    let mut request = work::insertion("late", bench.owner);
    request.deadline = Some(work::now());
    bench.one.insert_workflow(request).await.expect("inserts");
    let heard = bench
        .hears(async |store| {
            let request = CancelExpired::new(work::APP, work::now());
            assert_eq!(
                store.cancel_expired(request).await.expect("cancels"),
                ["late"]
            );
        })
        .await;
    assert_eq!(heard, Wakeup::workflow("late"), "an expiry");
    work::insert(&bench.one, "left", bench.owner).await;
    let heard = bench
        .hears(async |store| {
            let retired = store.retire_executor(bench.owner.incarnation).await;
            assert_eq!(retired.expect("retires").released, 1);
        })
        .await;
    assert_eq!(heard, Wakeup::Claimable, "a retirement");
    bench.end().await;
}

#[tokio::test]
async fn every_workflow_of_a_large_request_is_named() {
    let bench = Bench::new().await;
    let ids: Vec<String> = (0..1_200).map(|number| format!("{number}:✨")).collect();
    futures::future::join_all(
        ids.iter()
            .map(|id| work::insert(&bench.one, id, bench.owner)),
    )
    .await;
    let mut hints = subscribe(&bench.other).await;
    let cancel = CancelWorkflows::new(ids.clone(), work::now());
    bench.one.cancel_workflows(cancel).await.expect("cancels");
    let mut expected: Vec<Wakeup> = ids.iter().map(|id| Wakeup::workflow(id)).collect();
    while !expected.is_empty() {
        let hint = next(&mut hints).await;
        let at = expected.iter().position(|one| *one == hint);
        expected.swap_remove(at.unwrap_or_else(|| panic!("{hint:?} is not expected")));
    }
    bench.end().await;
}

#[tokio::test]
async fn what_a_hint_is_about_can_be_seen_when_it_comes() {
    let bench = Bench::new().await;
    let mut hints = subscribe(&bench.other).await;
    for number in 0..50 {
        let id = number.to_string();
        work::insert(&bench.one, &id, bench.owner).await;
        let finish = work::finish(&id, bench.owner);
        let (finished, row) = tokio::join!(bench.one.finish_workflow(finish), async {
            assert_eq!(next(&mut hints).await, Wakeup::workflow(&id));
            bench.other.get_workflow(&id, Payloads::Omit).await
        });
        assert_eq!(finished.expect("finishes"), FinishOutcome::Finished);
        let row = row.expect("reads").expect("is there");
        assert_eq!(row.status, WorkflowStatus::Success);
    }
    bench.end().await;
}

#[tokio::test]
async fn stores_with_different_prefixes_do_not_hear_each_other() {
    let (bench, stranger) = (Bench::new().await, Bench::new().await);
    let mut hints = subscribe(&stranger.one).await;
    let sent = bench.one.send_message(work::message("w")).await;
    sent.expect("sends");
    let cancel = CancelWorkflows::new(vec!["w".to_owned()], work::now());
    bench.one.cancel_workflows(cancel).await.expect("cancels");
    let owner = stranger.owner;
    work::insert(&stranger.one, "own", owner).await;
    let finish = work::finish("own", owner);
    stranger
        .one
        .finish_workflow(finish)
        .await
        .expect("finishes");
    assert_eq!(next(&mut hints).await, Wakeup::workflow("own"));
    bench.end().await;
    stranger.end().await;
}

/// Ends a new workflow, which is heard.
async fn assert_hears(store: &RedisStore, hints: &mut BoxStream<'static, Wakeup>, id: &str) {
    let owner = work::persist(async || {
        let incarnation = durable_api::store::Incarnation(uuid::Uuid::new_v4());
        let request = durable_api::store::RegisterExecutor::new(
            work::APP,
            incarnation.to_string(),
            incarnation,
            work::VERSION,
            work::now(),
        );
        store.register_executor(request).await?;
        Ok(Owner::new(incarnation, 1))
    })
    .await;
    work::insert(store, id, owner).await;
    let finish = work::finish(id, owner);
    store.finish_workflow(finish).await.expect("finishes");
    assert_eq!(next(hints).await, Wakeup::workflow(id));
}

#[tokio::test]
async fn a_subscriber_whose_connection_is_cut_says_so_and_hears_again() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let mut hints = subscribe(&store).await;
    for id in ["one", "two", "three"] {
        let cut: u64 = run(&server.url(), &["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        assert_eq!(cut, 1);
        assert_eq!(next(&mut hints).await, Wakeup::Everything);
        assert_hears(&store, &mut hints, id).await;
    }
}

#[tokio::test]
async fn a_subscriber_outlives_the_server() {
    let mut server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let mut hints = subscribe(&store).await;
    server.kill();
    let error = store.subscribe().await.expect_err("fails");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    server.restart().await;
    assert_eq!(next(&mut hints).await, Wakeup::Everything);
    assert_hears(&store, &mut hints, "one").await;
}

#[tokio::test]
async fn a_connection_that_went_silent_is_replaced() {
    let server = Server::start(&[]).await;
    let proxy = Proxy::to(server.port()).await;
    let options = RedisOptions::from_url(&proxy.url())
        .expect("parses")
        .connect_timeout(Duration::from_millis(200))
        .response_timeout(Duration::from_millis(200));
    let (store, far) = (
        work::open(&server.url()).await,
        RedisStore::connect_with(options).await.expect("connects"),
    );
    let mut hints = subscribe(&far).await;
    let before = proxy.connections();
    proxy.silence(true);
    // The stream works only while somebody waits for it.
    let (hint, ()) = tokio::join!(next(&mut hints), async {
        let deadline = Instant::now() + Duration::from_secs(30);
        while proxy.connections() == before {
            assert!(Instant::now() < deadline, "the silence is not noticed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.silence(false);
    });
    assert_eq!(hint, Wakeup::Everything);
    assert_hears(&store, &mut hints, "one").await;
}

#[tokio::test]
async fn a_quiet_connection_is_kept() {
    let server = Server::start(&[]).await;
    let options = RedisOptions::from_url(&server.url())
        .expect("parses")
        .response_timeout(Duration::from_millis(500));
    let far = RedisStore::connect_with(options).await.expect("connects");
    let store = work::open(&server.url()).await;
    let mut hints = subscribe(&far).await;
    let pings = async || {
        run::<String>(&server.url(), &["INFO", "commandstats"])
            .await
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_ping:calls="))
            .and_then(|rest| rest.split(',').next()?.parse::<u64>().ok())
            .unwrap_or_default()
    };
    let before = pings().await;
    let asked = async {
        let deadline = Instant::now() + Duration::from_secs(30);
        while pings().await < before + 2 {
            assert!(Instant::now() < deadline, "the server is not asked");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        hint = hints.next() => panic!("nothing happened, but {hint:?}"),
        () = asked => {}
    }
    assert_hears(&store, &mut hints, "one").await;
}

#[tokio::test]
async fn a_subscription_that_is_dropped_leaves_the_server() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let subscribers = async || {
        run::<String>(&server.url(), &["CLIENT", "LIST", "TYPE", "pubsub"])
            .await
            .lines()
            .count()
    };
    let hints = subscribe(&store).await;
    let channels: Vec<String> = run(&server.url(), &["PUBSUB", "CHANNELS"]).await;
    assert_eq!(channels, ["{durable}:wakeups"]);
    assert_eq!(subscribers().await, 1);
    drop(hints);
    let deadline = Instant::now() + Duration::from_secs(30);
    while subscribers().await > 0 {
        assert!(Instant::now() < deadline, "the connection stays");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn credentials_without_the_channel_are_denied_hints_and_nothing_else() {
    let server = Server::start(&[]).await;
    let rules = [
        "ACL",
        "SETUSER",
        "worker",
        "on",
        ">secret",
        "~{durable}:*",
        "resetchannels",
        "+@all",
    ];
    let () = run(&server.url(), &rules).await;
    let url = server.url().replace("//", "//worker:secret@");
    let store = work::open(&url).await;
    let error = store.subscribe().await.expect_err("is denied");
    assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("&{durable}:wakeups"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");

    let owner = work::owner(&store).await;
    work::insert(&store, "w", owner).await;
    work::fill(&store, "w", owner).await;
    let finish = work::finish("w", owner);
    let outcome = store.finish_workflow(finish).await.expect("finishes");
    assert_eq!(outcome, FinishOutcome::Finished);
}
