//! Workflows that wait in queues.
use durable_api::{
    Timestamp,
    store::{
        ClaimableWorkflow, DequeueWorkflows, DequeuedWorkflows, Enqueue, InsertOutcome,
        InsertWorkflow, Owner, QueueRecord, QueueStore as _, WorkflowStore as _,
    },
};
use store_sqlite::SqliteStore;

use super::{NOW, workflow};

/// The queue of every test that does not say otherwise.
pub(crate) const QUEUE: &str = "mail";

/// The configuration of [`QUEUE`].
pub(crate) async fn configure(store: &SqliteStore, limit: impl FnOnce(&mut QueueRecord)) {
    let mut record = QueueRecord::new("app", QUEUE);
    limit(&mut record);
    store.put_queue(record).await.expect("stores a queue");
}

/// A request to let a workflow wait in [`QUEUE`].
pub(crate) fn enqueueing(id: impl Into<String>, so: impl FnOnce(&mut Enqueue)) -> InsertWorkflow {
    let nobody = Owner::new(durable_api::store::Incarnation(uuid::Uuid::nil()), 0);
    let mut request = workflow(id, nobody);
    let mut enqueue = Enqueue::new(QUEUE);
    so(&mut enqueue);
    request.enqueue = Some(enqueue);
    request
}

/// Lets a workflow wait in [`QUEUE`].
pub(crate) async fn enqueue_so(store: &SqliteStore, id: &str, so: impl FnOnce(&mut Enqueue)) {
    let outcome = store.insert_workflow(enqueueing(id, so)).await;
    assert_eq!(outcome.expect("enqueues"), InsertOutcome::Inserted);
}

/// Lets a workflow wait in [`QUEUE`].
pub(crate) async fn enqueue(store: &SqliteStore, id: &str) {
    enqueue_so(store, id, |_| {}).await;
}

/// A request to take from all queues.
pub(crate) fn dequeuing(owner: Owner, limit: u32) -> DequeueWorkflows {
    let names = vec![ClaimableWorkflow::new("work", 100)];
    let mut request = DequeueWorkflows::new("app", "1", names, owner, NOW);
    request.limit = limit;
    request
}

/// Takes from all queues, at a time.
pub(crate) async fn dequeue_at(
    store: &SqliteStore,
    owner: Owner,
    limit: u32,
    now: Timestamp,
) -> DequeuedWorkflows {
    let mut request = dequeuing(owner, limit);
    request.now = now;
    store.dequeue_workflows(request).await.expect("dequeues")
}

/// Takes from all queues; answers the ids.
pub(crate) async fn dequeue(store: &SqliteStore, owner: Owner, limit: u32) -> Vec<String> {
    ids(&dequeue_at(store, owner, limit, NOW).await)
}

/// What was taken, in its order.
pub(crate) fn ids(answer: &DequeuedWorkflows) -> Vec<String> {
    let taken = answer.taken.iter();
    taken.map(|one| one.record.id.clone()).collect()
}
