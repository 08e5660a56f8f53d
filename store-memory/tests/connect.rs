//! What a URL of the store on memory means.
use durable_api::Timestamp;
use durable_api::store::{LifecycleStore as _, RegisterVersion, StoreErrorKind, VersionStore as _};
use store_memory::MemoryStore;

async fn write(store: &MemoryStore) {
    store
        .register_version(RegisterVersion::new("app", "v1", Timestamp::from_millis(1)))
        .await
        .expect("writes");
}

async fn is_written(store: &MemoryStore) -> bool {
    !store.list_versions("app").await.expect("reads").is_empty()
}

async fn connect(url: &str) -> MemoryStore {
    MemoryStore::connect(url).await.expect("connects")
}

#[tokio::test]
async fn without_a_name_every_store_is_private() {
    write(&connect("memory:").await).await;
    assert!(!is_written(&connect("memory:").await).await);
    assert!(!is_written(&MemoryStore::new()).await);
}

#[tokio::test]
async fn a_clone_is_another_handle_on_the_same_data() {
    let store = MemoryStore::new();
    write(&store.clone()).await;
    assert!(is_written(&store).await);
}

#[tokio::test]
async fn a_name_means_the_same_data_even_after_the_last_handle_is_gone() {
    write(&connect("memory:connect-same").await).await;
    assert!(is_written(&connect("memory:connect-same").await).await);
    let options = MemoryStore::builder().name("connect-same");
    let store = MemoryStore::connect_with(options).await.expect("connects");
    assert!(is_written(&store).await);
    assert!(!is_written(&connect("memory:connect-other").await).await);
}

#[tokio::test]
async fn a_forgotten_name_begins_afresh_and_old_handles_keep_their_data() {
    let old = MemoryStore::named("connect-forgotten");
    write(&old).await;
    MemoryStore::forget("connect-forgotten");
    assert!(!is_written(&MemoryStore::named("connect-forgotten")).await);
    assert!(is_written(&old).await);
}

#[tokio::test]
async fn another_scheme_is_refused_without_repeating_the_url() {
    for url in [
        "postgres://me:secret@host/db",
        "memory",
        "",
        "memory://secret",
    ] {
        let error = MemoryStore::connect(url).await.expect_err("is refused");
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{url}");
        assert_eq!(error.operation(), "connect");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn the_description_names_the_url() {
    assert_eq!(MemoryStore::new().describe().location, "memory:");
    assert_eq!(
        connect("memory:described").await.describe().location,
        "memory:described"
    );
}
