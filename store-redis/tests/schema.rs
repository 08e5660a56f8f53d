//! The layout's version: made once, never overwritten.
mod support;

use durable_api::store::{LifecycleStore as _, StoreErrorKind};
use store_redis::RedisStore;
use support::{clean, fresh_prefix, run, shared_url};

#[tokio::test]
async fn a_newer_or_foreign_schema_is_refused_and_left_alone() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let key = format!("{{{prefix}}}:schema");
    let store = RedisStore::connect(&url).await.expect("connects");
    for found in ["2", "4000000000", "0", "something"] {
        let () = run(&url, &["SET", &key, found]).await;
        for result in [store.migrate().await, store.verify().await] {
            let error = result.expect_err(found);
            assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error}");
        }
        let left: String = run(&url, &["GET", &key]).await;
        assert_eq!(left, found);
    }
    clean(&url, &prefix).await;
}

#[tokio::test]
async fn verifying_an_absent_schema_writes_nothing() {
    let prefix = fresh_prefix();
    let url = shared_url(&prefix);
    let store = RedisStore::connect(&url).await.expect("connects");
    let error = store.verify().await.expect_err("is absent");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error}");
    store.ping().await.expect("is reached");
    let schema = format!("{{{prefix}}}:schema");
    let exists: bool = run(&url, &["EXISTS", &schema]).await;
    assert!(!exists);
}
