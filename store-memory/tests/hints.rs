//! How the store on memory tells of changes.
use durable_api::{
    Timestamp,
    store::{DeleteWorkflows, ManagementStore as _, ResumeWorkflows, Wakeup, WakeupStore as _},
};
use futures::{FutureExt as _, StreamExt as _, stream::BoxStream};
use store_memory::MemoryStore;

#[tokio::test]
async fn every_handle_on_the_same_data_is_told() {
    let writer = MemoryStore::named("hints-every-handle");
    let mut hints = [
        subscribe(&writer).await,
        subscribe(&writer.clone()).await,
        subscribe(&MemoryStore::named("hints-every-handle")).await,
    ];
    change(&writer).await;
    for hints in &mut hints {
        assert_eq!(hints.next().await, Some(Wakeup::Claimable));
        assert_eq!(hints.next().now_or_never(), None, "nothing else came");
    }
}

#[tokio::test]
async fn another_store_is_told_nothing() {
    let mut hints = subscribe(&MemoryStore::named("hints-another")).await;
    change(&MemoryStore::named("hints-one")).await;
    assert_eq!(hints.next().now_or_never(), None);
}

#[tokio::test]
async fn a_subscriber_who_is_slow_is_told_to_look_at_everything() {
    let store = MemoryStore::new();
    let mut hints = subscribe(&store).await;
    for _ in 0..1_025 {
        change(&store).await;
    }
    assert_eq!(hints.next().await, Some(Wakeup::Everything));
    assert_eq!(hints.next().now_or_never(), None);
    change(&store).await;
    assert_eq!(hints.next().await, Some(Wakeup::Claimable));
}

#[tokio::test]
async fn what_changed_nothing_tells_nothing_of_workflows() {
    let store = MemoryStore::new();
    let mut hints = subscribe(&store).await;
    let request = DeleteWorkflows::new(vec!["nowhere".to_owned()]);
    store.delete_workflows(request).await.expect("deletes");
    assert_eq!(hints.next().now_or_never(), None);
}

#[tokio::test]
async fn hints_end_with_the_store() {
    let store = MemoryStore::new();
    let hints = subscribe(&store).await;
    change(&store).await;
    let waiting = tokio::spawn(hints.collect::<Vec<_>>());
    tokio::task::yield_now().await;
    drop(store);
    let told = waiting.await.expect("does not panic");
    assert_eq!(told, [Wakeup::Claimable], "what was told before remains");
}

async fn subscribe(store: &MemoryStore) -> BoxStream<'static, Wakeup> {
    let hints = store.subscribe().await.expect("subscribes");
    hints.into_stream()
}

/// A call that gives one hint: `Claimable`.
async fn change(store: &MemoryStore) {
    let request = ResumeWorkflows::new(Vec::new(), Timestamp::from_millis(1));
    store.resume_workflows(request).await.expect("resumes");
}
