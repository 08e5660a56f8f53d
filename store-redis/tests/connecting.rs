//! What connecting promises: precise errors, no secret in them, and no server that could lose work unseen.
mod support;

use durable_api::store::{LifecycleStore as _, StoreErrorKind};
use store_redis::{EvictionPolicy, FsyncPolicy, RedisOptions, RedisStore};
use support::{Server, run, work};

async fn refusal(url: &str) -> (StoreErrorKind, String) {
    let error = RedisStore::connect(url).await.expect_err("is refused");
    assert_eq!(error.operation(), "connect");
    (error.kind(), format!("{error} {error:?}"))
}

#[tokio::test]
async fn a_server_that_may_evict_workflows_is_refused_unless_allowed() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru"]).await;
    let (kind, message) = refusal(&server.url()).await;
    assert_eq!(kind, StoreErrorKind::Misconfigured);
    assert!(message.contains("allkeys-lru"), "{message}");

    for options in [
        RedisOptions::from_url(&format!("{}?allow_eviction=true", server.url())),
        RedisOptions::from_url(&server.url()).map(|options| options.allow_eviction(true)),
    ] {
        let store = RedisStore::connect_with(options.expect("parses"))
            .await
            .expect("connects");
        store.ping().await.expect("is reached");
        let evicts = EvictionPolicy::AllKeys("allkeys-lru".to_owned());
        assert_eq!(store.durability().eviction, evicts);
        assert!(store.describe().durability.contains("allkeys-lru"));
    }
}

#[tokio::test]
async fn a_server_that_begins_to_evict_is_noticed() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    store.verify().await.expect("is verified");
    let () = run(
        &server.url(),
        &["CONFIG", "SET", "maxmemory-policy", "allkeys-random"],
    )
    .await;
    let error = store.verify().await.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
    let error = store.ping().await.expect_err("is refused");
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
}

#[tokio::test]
async fn a_policy_that_evicts_only_what_expires_is_accepted() {
    let server = Server::start(&["--maxmemory-policy", "volatile-ttl"]).await;
    let store = work::open(&server.url()).await;
    let policy = EvictionPolicy::Volatile("volatile-ttl".to_owned());
    assert_eq!(store.durability().eviction, policy);
}

#[tokio::test]
async fn the_servers_durability_is_told() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let durability = store.durability();
    assert!(durability.is_strict(), "{durability:?}");
    assert_eq!(durability.eviction, EvictionPolicy::None);
    assert!(durability.server_version.contains('.'), "{durability:?}");

    let () = run(&server.url(), &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    let store = work::open(&server.url()).await;
    assert_eq!(store.durability().fsync, FsyncPolicy::EverySecond);
    assert!(!store.durability().is_strict());

    let () = run(&server.url(), &["CONFIG", "SET", "appendonly", "no"]).await;
    let store = work::open(&server.url()).await;
    assert_eq!(store.durability().append_only, Some(false));
    assert!(store.describe().durability.contains("no append-only file"));
}

#[tokio::test]
async fn where_settings_may_not_be_read_the_store_works_with_what_the_server_tells() {
    let server = Server::start(&[]).await;
    let rules = [
        "ACL",
        "SETUSER",
        "worker",
        "on",
        ">secret",
        "~{durable}:*",
        "+@all",
        "-@admin",
    ];
    let () = run(&server.url(), &rules).await;
    let url = server.url().replace("//", "//worker:secret@");
    let store = work::open(&url).await;
    let durability = store.durability();
    assert_eq!(durability.append_only, Some(true));
    assert_eq!(durability.fsync, FsyncPolicy::Unknown);
    assert_eq!(durability.eviction, EvictionPolicy::None);
    let owner = work::owner(&store).await;
    work::insert(&store, "one", owner).await;
}

#[tokio::test]
async fn what_the_credentials_may_not_do_is_denied() {
    let server = Server::start(&[]).await;
    let rules = [
        "ACL",
        "SETUSER",
        "reader",
        "on",
        ">secret",
        "~{durable}:*",
        "+@read",
        "+info",
    ];
    let () = run(&server.url(), &rules).await;
    let url = server.url().replace("//", "//reader:secret@");
    let store = RedisStore::connect(&url).await.expect("connects");
    let error = store.migrate().await.expect_err("is denied");
    assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_denied_and_not_repeated() {
    let server = Server::start(&["--requirepass", "right"]).await;
    let address = format!("127.0.0.1:{}", server.port());
    for credentials in ["", ":wrong-secret@", "nobody:wrong-secret@"] {
        let (kind, message) = refusal(&format!("redis://{credentials}{address}/0")).await;
        assert_eq!(kind, StoreErrorKind::Denied, "{message}");
        assert!(message.contains(&address), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
    let store = RedisStore::connect(&format!("redis://:right@{address}/0"))
        .await
        .expect("connects");
    let told = format!("{store:?} {:?}", store.describe());
    assert!(!told.contains("right"), "{told}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let mut server = Server::start(&[]).await;
    server.kill();
    let url = server.url().replace("//", "//me:secret@");
    let (kind, message) = refusal(&url).await;
    assert_eq!(kind, StoreErrorKind::Unavailable);
    assert!(message.contains(&server.port().to_string()), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[tokio::test]
async fn a_prefix_with_braces_is_invalid() {
    let (kind, _) = refusal(&format!("{}{{x}}", support::shared_url("a"))).await;
    assert_eq!(kind, StoreErrorKind::Invalid);
}
