//! What the store that fails by plan does, and what it says that it did.
use std::sync::Arc;

use durable_api::{
    SystemStore, Timestamp,
    store::{RegisterVersion, StoreErrorKind, StoreResult, VersionStore as _},
};
use durable_testing::{Fault, FaultPlan, FaultyStore};
use store_memory::MemoryStore;

#[tokio::test]
async fn without_a_plan_everything_passes_and_is_logged() {
    let (faulty, inside) = faulty(FaultPlan::none());
    write(&faulty, "v1").await.expect("passes");
    let store: Arc<dyn SystemStore> = Arc::new(faulty.clone());
    store.ping().await.expect("passes");
    assert_eq!(versions(&*inside).await, ["v1"]);
    assert_eq!(faulty.calls(), ["register_version", "ping"]);
    assert_eq!(faulty.call_count(), 2);
    assert_eq!(faulty.count_of("ping"), 1);
    assert_eq!(faulty.count_of("list_steps"), 0);
    assert_eq!(store.describe(), inside.describe());
    assert_eq!(faulty.call_count(), 2, "a description is no call");
}

#[tokio::test]
async fn a_refused_call_is_not_applied_and_says_so() {
    meets(Fault::Refuse, Some(StoreErrorKind::Unavailable), false).await;
}

#[tokio::test]
async fn a_lost_request_is_not_applied_and_does_not_say_so() {
    meets(
        Fault::LoseRequest,
        Some(StoreErrorKind::Indeterminate),
        false,
    )
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_applied_and_does_not_say_so() {
    meets(Fault::LoseAnswer, Some(StoreErrorKind::Indeterminate), true).await;
}

#[tokio::test]
async fn a_call_that_passes_is_applied_and_says_so() {
    meets(Fault::PassThrough, None, true).await;
}

async fn meets(fault: Fault, error: Option<StoreErrorKind>, applied: bool) {
    let (faulty, inside) = faulty(FaultPlan::always(fault));
    let answer = write(&faulty, "v1").await;
    assert_eq!(answer.as_ref().err().map(|one| one.kind()), error);
    if let Err(error) = answer {
        assert_eq!(error.operation(), "register_version");
    }
    assert_eq!(!versions(&*inside).await.is_empty(), applied);
    assert_eq!(faulty.call_count(), 1, "logged in any case");
}

#[tokio::test]
async fn a_plan_can_pick_one_call_of_one_operation() {
    let plan = FaultPlan::nth("register_version", 1, Fault::Refuse);
    let (faulty, inside) = faulty(plan);
    write(&faulty, "v1").await.expect("is the first");
    versions(&faulty).await;
    write(&faulty, "v2").await.expect_err("is the second");
    write(&faulty, "v3").await.expect("is the third");
    assert_eq!(versions(&*inside).await, ["v3", "v1"]);
}

#[tokio::test]
async fn a_crash_before_a_call_loses_it_and_all_that_follow() {
    crashes(FaultPlan::crash_before(2), &["v2", "v1"]).await;
}

#[tokio::test]
async fn a_crash_after_a_call_loses_its_answer_and_all_that_follow() {
    crashes(FaultPlan::crash_after(2), &["v3", "v2", "v1"]).await;
}

async fn crashes(plan: FaultPlan, expected: &[&str]) {
    let (faulty, inside) = faulty(plan);
    write(&faulty, "v1").await.expect("is call 0");
    write(&faulty, "v2").await.expect("is call 1");
    let error = write(&faulty, "v3").await.expect_err("is call 2");
    assert_eq!(error.kind(), StoreErrorKind::Indeterminate);
    for _ in 0..3 {
        let error = write(&faulty, "v4").await.expect_err("is down");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
    assert_eq!(versions(&*inside).await, expected);
}

#[tokio::test]
async fn a_new_plan_counts_from_its_own_first_call() {
    let (faulty, _) = faulty(FaultPlan::crash_before(0));
    write(&faulty, "v1").await.expect_err("is down");
    faulty.set_plan(FaultPlan::crash_before(1));
    assert_eq!(faulty.call_count(), 0);
    write(&faulty, "v2").await.expect("is call 0");
    write(&faulty, "v3").await.expect_err("is call 1");
    assert_eq!(faulty.calls(), ["register_version", "register_version"]);
}

#[tokio::test]
async fn an_error_of_the_store_inside_is_passed_on() {
    let (faulty, _) = faulty(FaultPlan::always(Fault::LoseAnswer));
    let error = write(&faulty, "nul\0").await.expect_err("is invalid");
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}

fn faulty(plan: FaultPlan) -> (FaultyStore, Arc<dyn SystemStore>) {
    let inside: Arc<dyn SystemStore> = Arc::new(MemoryStore::new());
    (FaultyStore::with_plan(Arc::clone(&inside), plan), inside)
}

async fn write(store: &FaultyStore, version: &'static str) -> StoreResult<()> {
    // Every version is later than the one before: they differ in their last character.
    let millis = version.bytes().map(i64::from).sum();
    let now = Timestamp::from_millis(millis);
    store
        .register_version(RegisterVersion::new("app", version, now))
        .await
}

/// The versions that are stored, the latest first.
async fn versions(store: &dyn SystemStore) -> Vec<String> {
    let listed = store.list_versions("app").await.expect("lists");
    listed.into_iter().map(|one| one.version).collect()
}
