//! Small pieces of work for a store.
use durable_api::{
    Payload, Timestamp,
    store::{
        AppendOutcome, AppendStream, ClaimWorkflows, ClaimableWorkflow, DequeueWorkflows, Enqueue,
        EventStore as _, ExecutorStore as _, FinishWorkflow, Incarnation, InsertOutcome,
        InsertWorkflow, LifecycleStore as _, MessageStore as _, Outcome, Owner, ParentCheckpoint,
        QueueStore as _, RecordStep, RegisterExecutor, SendMessage, SendOutcome, SetEvent,
        SetEventOutcome, StepRecord, StepRef, StepStore as _, StoreResult, StreamStore as _,
        WorkflowStore as _,
    },
};
use store_redis::RedisStore;
use uuid::Uuid;

pub const APP: &str = "app";
pub const NAME: &str = "work";
pub const VERSION: &str = "v1";
pub const QUEUE: &str = "queue";

pub fn now() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

pub fn payload() -> Payload {
    Payload::new("bincode", vec![0_u8, 255, 128])
}

/// A migrated store.
pub async fn open(url: &str) -> RedisStore {
    let store = RedisStore::connect(url).await.expect("connects");
    store.migrate().await.expect("migrates");
    store
}

/// A registered executor, under a name of its own.
pub async fn register(store: &RedisStore) -> Incarnation {
    let incarnation = Incarnation(Uuid::new_v4());
    let request = RegisterExecutor::new(APP, incarnation.to_string(), incarnation, VERSION, now());
    store.register_executor(request).await.expect("registers");
    incarnation
}

/// The owner of a registered executor's first execution.
pub async fn owner(store: &RedisStore) -> Owner {
    Owner::new(register(store).await, 1)
}

pub fn insertion(id: &str, owner: Owner) -> InsertWorkflow {
    let mut request = InsertWorkflow::new(id, APP, NAME, payload(), owner, now());
    request.version = Some(VERSION.to_owned());
    request
}

pub async fn insert(store: &RedisStore, id: &str, owner: Owner) {
    let outcome = store.insert_workflow(insertion(id, owner)).await;
    assert_eq!(outcome.expect("inserts"), InsertOutcome::Inserted, "{id}");
}

pub async fn insert_child(store: &RedisStore, id: &str, owner: Owner, parent: &str) {
    let mut request = insertion(id, owner);
    request.parent = Some(ParentCheckpoint::new(parent, owner, 9, "child"));
    let outcome = store.insert_workflow(request).await;
    assert_eq!(outcome.expect("inserts"), InsertOutcome::Inserted, "{id}");
}

/// A request for a workflow that waits in the queue `queue`.
pub fn enqueueing(id: &str) -> InsertWorkflow {
    let nobody = Owner::new(Incarnation(Uuid::nil()), 0);
    let mut request = insertion(id, nobody);
    request.enqueue = Some(Enqueue::new(QUEUE));
    request
}

pub async fn enqueue(store: &RedisStore, id: &str) {
    let outcome = store.insert_workflow(enqueueing(id)).await;
    assert_eq!(outcome.expect("inserts"), InsertOutcome::Inserted, "{id}");
}

pub fn dequeueing(owner: Owner) -> DequeueWorkflows {
    let names = vec![ClaimableWorkflow::new(NAME, 100)];
    DequeueWorkflows::new(APP, VERSION, names, owner, now())
}

/// The ids of what a request takes.
pub async fn dequeue(store: &RedisStore, request: DequeueWorkflows) -> Vec<String> {
    let answer = store.dequeue_workflows(request).await.expect("dequeues");
    let taken = answer.taken.into_iter();
    taken.map(|taken| taken.record.id).collect()
}

pub fn step(id: &str, owner: Owner, step_id: u32) -> RecordStep {
    let outcome = Outcome::Success(payload());
    RecordStep::new(
        id,
        owner,
        StepRecord::completed(step_id, "step", outcome, now(), now()),
    )
}

/// A step whose checkpoint an effect writes.
pub fn effect(id: &str, owner: Owner, step_id: u32) -> StepRef {
    StepRef::recorded(id, owner, step_id, "effect", now())
}

pub fn message(destination: &str) -> SendMessage {
    SendMessage::new(destination, "topic", "one", payload(), now())
}

pub fn event(id: &str, owner: Owner, step_id: u32) -> SetEvent {
    SetEvent::new(effect(id, owner, step_id), "key", payload(), now())
}

pub fn value(id: &str, owner: Owner, step_id: u32) -> AppendStream {
    let step = effect(id, owner, step_id);
    AppendStream::value(step, "key", payload(), Uuid::new_v4(), now())
}

pub fn finish(id: &str, owner: Owner) -> FinishWorkflow {
    FinishWorkflow::new(id, owner, Outcome::Success(payload()), now())
}

/// Gives a workflow one of everything that can belong to it, by its steps 0 to 2, and one message that waits.
pub async fn fill(store: &RedisStore, id: &str, owner: Owner) {
    store
        .record_step(step(id, owner, 0))
        .await
        .expect("records");
    let sent = store.send_message(message(id)).await.expect("sends");
    assert_eq!(sent, SendOutcome::Sent);
    let set = store.set_event(event(id, owner, 1)).await.expect("sets");
    assert_eq!(set, SetEventOutcome::Set);
    let appended = store.append_stream(value(id, owner, 2)).await;
    assert_eq!(
        appended.expect("appends"),
        AppendOutcome::Appended { offset: 0 }
    );
}

pub fn claiming(owner: Owner) -> ClaimWorkflows {
    let names = vec![ClaimableWorkflow::new(NAME, 100)];
    ClaimWorkflows::new(APP, VERSION, names, owner, now())
}

/// Repeats an operation until it does not fail for a reason that passes.
pub async fn persist<T>(mut operation: impl AsyncFnMut() -> StoreResult<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        match operation().await {
            Ok(value) => return value,
            Err(error) => {
                assert!(error.kind().is_transient(), "{error}");
                assert!(std::time::Instant::now() < deadline, "still fails: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
}
