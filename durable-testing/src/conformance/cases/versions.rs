use std::sync::Arc;

use durable_api::{
    SystemStore,
    store::{RegisterVersion, VersionRecord},
};

use crate::{
    Backend, Bench,
    conformance::fixtures::{APP, at},
};

pub(crate) async fn an_application_without_versions_has_none(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    assert_eq!(versions(&store, APP).await, []);
}

pub(crate) async fn the_latest_version_is_listed_first(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    for (version, millis) in [("v2", 20), ("v3", 10), ("v1", 30)] {
        register(&store, APP, version, millis).await;
    }
    let expected = [("v1", 30), ("v2", 20), ("v3", 10)];
    assert_eq!(versions(&store, APP).await, records(expected));
}

pub(crate) async fn versions_of_one_millisecond_are_listed_by_name_descending(
    bench: &Bench<'_, impl Backend>,
) {
    let store = bench.open().await;
    for version in ["v10", "V9", "v2", "\u{e9}", "v9"] {
        register(&store, APP, version, 5).await;
    }
    register(&store, APP, "a", 6).await;
    let expected = [
        ("a", 6),
        ("\u{e9}", 5),
        ("v9", 5),
        ("v2", 5),
        ("v10", 5),
        ("V9", 5),
    ];
    assert_eq!(versions(&store, APP).await, records(expected));
}

pub(crate) async fn a_known_version_keeps_its_first_time(bench: &Bench<'_, impl Backend>) {
    let (a, b) = (bench.open().await, bench.open().await);
    register(&a, APP, "v1", 20).await;
    register(&b, APP, "v1", 30).await;
    register(&b, APP, "v1", 10).await;
    assert_eq!(versions(&a, APP).await, records([("v1", 20)]));
}

pub(crate) async fn versions_are_listed_by_application(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    register(&store, APP, "v1", 1).await;
    register(&store, "warehouse", "v1", 2).await;
    register(&store, "warehouse", "v2", 3).await;
    assert_eq!(versions(&store, APP).await, records([("v1", 1)]));
    let expected = records([("v2", 3), ("v1", 2)]);
    assert_eq!(versions(&store, "warehouse").await, expected);
}

async fn register(store: &Arc<dyn SystemStore>, app: &str, version: &str, millis: i64) {
    let request = RegisterVersion::new(app, version, at(millis));
    let answer = store.register_version(request).await;
    answer.expect("registers a version");
}

async fn versions(store: &Arc<dyn SystemStore>, app: &str) -> Vec<VersionRecord> {
    store.list_versions(app).await.expect("lists versions")
}

fn records<const N: usize>(expected: [(&str, i64); N]) -> Vec<VersionRecord> {
    let record = |(version, millis)| VersionRecord::new(version, at(millis));
    expected.map(record).into()
}
