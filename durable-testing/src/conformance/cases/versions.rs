use std::sync::Arc;

use durable_api::{
    SystemStore,
    store::{RegisterVersion, SetLatestOutcome, VersionRecord},
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

pub(crate) async fn a_version_is_made_the_latest(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    for (version, millis) in [("v1", 10), ("v2", 20), ("v3", 30)] {
        register(&store, APP, version, millis).await;
    }
    let answer = set_latest(&store, APP, "v1", 50).await;
    assert_eq!(answer, SetLatestOutcome::Set);
    let expected = [("v1", 50), ("v3", 30), ("v2", 20)];
    assert_eq!(versions(&store, APP).await, records(expected));
    set_latest(&store, APP, "v2", 60).await;
    let expected = [("v2", 60), ("v1", 50), ("v3", 30)];
    assert_eq!(versions(&store, APP).await, records(expected));
    register(&store, APP, "v4", 70).await;
    assert_eq!(versions(&store, APP).await[0].version, "v4");
}

pub(crate) async fn a_version_is_made_the_latest_by_a_clock_that_is_behind(
    bench: &Bench<'_, impl Backend>,
) {
    let store = bench.open().await;
    for (version, millis) in [("a", 10), ("b", 20), ("c", 30)] {
        register(&store, APP, version, millis).await;
    }
    for (version, now, expected) in [("a", 5, 31), ("b", 31, 32), ("c", 32, 33), ("b", 100, 100)] {
        set_latest(&store, APP, version, now).await;
        let latest = &versions(&store, APP).await[0];
        assert_eq!(*latest, VersionRecord::new(version, at(expected)));
    }
}

pub(crate) async fn the_latest_version_stays_it(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    for (version, millis) in [("v1", 10), ("v2", 20)] {
        register(&store, APP, version, millis).await;
    }
    for now in [5, 20, 21, 40] {
        let answer = set_latest(&store, APP, "v2", now).await;
        assert_eq!(answer, SetLatestOutcome::Set);
        let listed = versions(&store, APP).await;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0].version, "v2");
        assert_eq!(listed[1], VersionRecord::new("v1", at(10)));
    }
}

pub(crate) async fn a_version_that_was_never_registered_is_not_made_the_latest(
    bench: &Bench<'_, impl Backend>,
) {
    let store = bench.open().await;
    register(&store, APP, "v1", 10).await;
    register(&store, "warehouse", "v2", 20).await;
    for (app, version) in [(APP, "v2"), ("warehouse", "v1"), ("nowhere", "v1")] {
        let answer = set_latest(&store, app, version, 30).await;
        assert_eq!(answer, SetLatestOutcome::UnknownVersion);
    }
    assert_eq!(versions(&store, APP).await, records([("v1", 10)]));
    let expected = records([("v2", 20)]);
    assert_eq!(versions(&store, "warehouse").await, expected);
    assert_eq!(versions(&store, "nowhere").await, []);
}

pub(crate) async fn other_applications_keep_their_latest_version(bench: &Bench<'_, impl Backend>) {
    let store = bench.open().await;
    for app in [APP, "warehouse"] {
        register(&store, app, "v1", 10).await;
        register(&store, app, "v2", 20).await;
    }
    register(&store, "warehouse", "v3", 1_000).await;
    set_latest(&store, APP, "v1", 30).await;
    assert_eq!(
        versions(&store, APP).await,
        records([("v1", 30), ("v2", 20)])
    );
    let expected = records([("v3", 1_000), ("v2", 20), ("v1", 10)]);
    assert_eq!(versions(&store, "warehouse").await, expected);
}

async fn register(store: &Arc<dyn SystemStore>, app: &str, version: &str, millis: i64) {
    let request = RegisterVersion::new(app, version, at(millis));
    let answer = store.register_version(request).await;
    answer.expect("registers a version");
}

async fn set_latest(
    store: &Arc<dyn SystemStore>,
    app: &str,
    version: &str,
    millis: i64,
) -> SetLatestOutcome {
    let request = RegisterVersion::new(app, version, at(millis));
    let answer = store.set_latest_version(request).await;
    answer.expect("judges a version")
}

async fn versions(store: &Arc<dyn SystemStore>, app: &str) -> Vec<VersionRecord> {
    store.list_versions(app).await.expect("lists versions")
}

fn records<const N: usize>(expected: [(&str, i64); N]) -> Vec<VersionRecord> {
    let record = |(version, millis)| VersionRecord::new(version, at(millis));
    expected.map(record).into()
}
