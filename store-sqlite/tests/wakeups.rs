//! Who waits is woken: at once and by name of what this store does, by polling of what others do.
mod common;

use std::{collections::HashSet, time::Duration};

use common::{
    File, NOW, executor, insert, payload,
    queues::{configure, dequeue, enqueue, enqueue_so, enqueueing},
    ready, step, step_of, workflow,
};
use durable_api::store::{
    CancelWorkflows, Debounce, ExecutorStore as _, FinishOutcome, FinishWorkflow, InsertOutcome,
    ManagementStore as _, MessageStore as _, Outcome, Owner, QueueStore as _, ReleaseDelayed,
    ResumeWorkflows, SendMessage, SetDelay, StepStore as _, Wakeup, WakeupStore as _,
    WorkflowStore as _,
};
use futures::{StreamExt as _, stream::BoxStream};
use store_sqlite::SqliteStore;

type Hints = BoxStream<'static, Wakeup>;

async fn subscribe(store: &SqliteStore) -> Hints {
    store.subscribe().await.expect("subscribes").into_stream()
}

/// The next hint, which must come.
async fn next(hints: &mut Hints) -> Option<Wakeup> {
    tokio::time::timeout(Duration::from_secs(20), hints.next())
        .await
        .expect("a hint comes")
}

/// All hints up to those of what is done here, so that none of before is missing. Each call has an `id` of its own.
async fn so_far(store: &SqliteStore, hints: &mut Hints, id: &str) -> Vec<Wakeup> {
    mark(store, id).await;
    until_mark(hints).await
}

async fn mark(store: &SqliteStore, id: &str) {
    let owner = Owner::new(executor(store).await, 1);
    let marked = store.insert_workflow(workflow("mark", owner)).await;
    marked.expect("inserts");
    let sent = store.send_message(message("mark", id)).await;
    sent.expect("sends");
}

async fn until_mark(hints: &mut Hints) -> Vec<Wakeup> {
    let mut found = Vec::new();
    loop {
        match next(hints).await.expect("the store is open") {
            mark if mark == Wakeup::workflow("mark") => return found,
            hint => found.push(hint),
        }
    }
}

fn message(destination: &str, id: &str) -> SendMessage {
    SendMessage::new(destination, "", id, payload("hello"), NOW)
}

fn finish(id: &str, owner: Owner) -> FinishWorkflow {
    FinishWorkflow::new(id, owner, Outcome::Success(payload("done")), NOW)
}

#[tokio::test]
async fn only_what_somebody_may_wait_for_wakes_and_the_writes_of_the_store_itself_are_told_exactly()
{
    let file = File::new();
    // At every poll the store's own commits would be seen, were they taken for somebody else's.
    let store = ready(file.options().polling(Duration::from_millis(1))).await;
    let incarnation = executor(&store).await;
    let owner = Owner::new(incarnation, 1);
    let mut hints = subscribe(&store).await;

    let subscriber = tokio::spawn(async move { until_mark(&mut hints).await });

    for n in 0..100 {
        let id = format!("w-{n}");
        insert(&store, &id, owner).await;
        let recorded = store.record_step(step(&id, owner, 0)).await;
        recorded.expect("records");
        store.heartbeat(incarnation).await.expect("beats");
    }
    let finished = store.finish_workflow(finish("w-1", owner)).await;
    assert_eq!(finished.expect("finishes"), FinishOutcome::Finished);
    let stranger = Owner::new(incarnation, 2);
    let refused = store.finish_workflow(finish("w-2", stranger)).await;
    assert_eq!(refused.expect("answers"), FinishOutcome::NotOwner);
    mark(&store, "1").await;

    let found = subscriber.await.expect("does not panic");
    assert_eq!(found, [Wakeup::workflow("w-1")]);
}

#[tokio::test]
async fn a_commit_that_carries_many_writes_gives_every_hint_once() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    for id in ["a", "b"] {
        insert(&store, id, owner).await;
    }
    let mut hints = subscribe(&store).await;
    let before = store.commit_statistics();

    let sends = ["a1", "a2", "b1", "a3", "b2"].map(|id| store.send_message(message(&id[..1], id)));
    let (sent, finished) = futures::join!(
        futures::future::join_all(sends),
        store.finish_workflow(finish("a", owner)),
    );

    assert!(sent.iter().all(Result::is_ok) && finished.is_ok());
    assert_eq!(store.commit_statistics().commits - before.commits, 1);
    let mut found = so_far(&store, &mut hints, "1").await;
    found.sort_by_key(|hint| *hint != Wakeup::workflow("a"));
    assert_eq!(found, [Wakeup::workflow("a"), Wakeup::workflow("b")]);
}

#[tokio::test]
async fn a_commit_with_more_hints_than_are_worth_telling_wakes_everybody() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    let ids: Vec<String> = (0..1_200).map(|n| format!("w-{n}")).collect();
    let inserts = ids
        .iter()
        .map(|id| store.insert_workflow(workflow(id, owner)));
    for inserted in futures::future::join_all(inserts).await {
        assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
    }
    let mut hints = subscribe(&store).await;

    let cancelled = store
        .cancel_workflows(CancelWorkflows::new(ids.clone(), NOW))
        .await;
    assert_eq!(cancelled.expect("cancels").changed.len(), ids.len());

    assert_eq!(so_far(&store, &mut hints, "1").await, [Wakeup::Everything]);
}

#[tokio::test]
async fn work_that_may_be_claimed_is_told_of() {
    let file = File::new();
    let store = file.open().await;
    let incarnation = executor(&store).await;
    for id in ["a", "b"] {
        insert(&store, id, Owner::new(incarnation, 1)).await;
    }
    let cancel = CancelWorkflows::new(vec!["b".to_owned()], NOW);
    store.cancel_workflows(cancel).await.expect("cancels");
    let mut hints = subscribe(&store).await;

    store.retire_executor(incarnation).await.expect("retires");
    let resume = ResumeWorkflows::new(vec!["b".to_owned()], NOW);
    store.resume_workflows(resume).await.expect("resumes");

    let found = so_far(&store, &mut hints, "1").await;
    assert_eq!(found, [Wakeup::Claimable, Wakeup::Claimable]);
}

#[tokio::test]
async fn a_subscriber_who_fell_behind_is_told_to_look_at_everything() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;
    let mut hints = subscribe(&store).await;
    for n in 0..1_100 {
        let sent = store.send_message(message("w", &n.to_string())).await;
        sent.expect("sends");
    }
    assert_eq!(next(&mut hints).await, Some(Wakeup::Everything));
}

#[tokio::test]
async fn another_handle_on_the_file_is_seen_by_polling() {
    let file = File::new();
    let store = file.open().await;
    let other = file.open().await;
    let owner = Owner::new(executor(&other).await, 1);
    insert(&other, "w", owner).await;
    let mut hints = subscribe(&store).await;
    for id in 0..5 {
        other
            .send_message(message("w", &id.to_string()))
            .await
            .expect("sends");
        assert_eq!(next(&mut hints).await, Some(Wakeup::Everything));
    }
}

#[tokio::test]
async fn a_store_that_writes_all_the_time_still_sees_another_handle() {
    let file = File::new();
    let store = file.open().await;
    let other = file.open().await;
    let incarnation = executor(&store).await;
    let mut hints = subscribe(&store).await;
    let busy = tokio::spawn({
        let store = store.clone();
        async move {
            loop {
                store.heartbeat(incarnation).await.expect("beats");
            }
        }
    });
    for _ in 0..3 {
        executor(&other).await;
        assert_eq!(next(&mut hints).await, Some(Wakeup::Everything));
    }
    busy.abort();
}

#[tokio::test]
async fn another_handle_is_seen_although_a_failed_write_took_the_connection() {
    let file = File::new();
    let store = ready(file.options().max_pages(60)).await;
    let other = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;
    let mut hints = subscribe(&store).await;
    let large = step_of("w", owner, 0, vec![7; 1 << 20]);
    store
        .record_step(large)
        .await
        .expect_err("there is no room");

    other.send_message(message("w", "1")).await.expect("sends");

    assert_eq!(next(&mut hints).await, Some(Wakeup::Everything));
}

#[tokio::test]
async fn without_polling_another_handle_is_not_seen() {
    let file = File::new();
    let store = ready(file.options().polling(Duration::ZERO)).await;
    let other = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;
    let mut hints = subscribe(&store).await;
    other.send_message(message("w", "1")).await.expect("sends");
    let found = so_far(&store, &mut hints, "1").await;
    assert_eq!(found, []);
}

#[tokio::test]
async fn a_subscription_ends_with_the_last_handle_and_does_not_keep_the_store() {
    for polling in [Duration::ZERO, Duration::from_millis(5)] {
        let file = File::new();
        let store = ready(file.options().polling(polling)).await;
        let mut hints = subscribe(&store).await;
        let clone = store.clone();
        drop(store);
        drop(clone);
        assert_eq!(next(&mut hints).await, None);
    }
}

// Were a look part of the subscription, the connection would be away while nobody polls that.
#[tokio::test]
async fn a_subscription_that_is_not_polled_holds_nobody_up() {
    let file = File::new();
    let store = ready(file.options().polling(Duration::from_millis(1))).await;
    let owner = Owner::new(executor(&store).await, 1);
    let mut hints = subscribe(&store).await;
    for n in 0..200 {
        let woken = tokio::time::timeout(Duration::from_millis(1), hints.next()).await;
        assert!(woken.is_err(), "{woken:?}");
        let id = format!("w-{n}");
        let write = insert(&store, &id, owner);
        tokio::time::timeout(Duration::from_secs(20), write)
            .await
            .expect("the write does not wait for the subscriber");
    }
}

#[tokio::test]
async fn work_that_may_be_taken_from_a_queue_is_told_of() {
    let file = File::new();
    let store = file.open().await;
    let incarnation = executor(&store).await;
    let mut hints = subscribe(&store).await;

    enqueue(&store, "w").await;
    assert_eq!(so_far(&store, &mut hints, "1").await, [Wakeup::Enqueued]);
    enqueue_so(&store, "delayed", |enqueue| {
        enqueue.delayed_until = Some(NOW);
        enqueue.debounce = Some(Debounce::new("key", NOW));
    })
    .await;
    assert_eq!(so_far(&store, &mut hints, "2").await, [Wakeup::Enqueued]);
    let push = enqueueing("pushes", |enqueue| {
        enqueue.debounce = Some(Debounce::new("key", NOW));
    });
    store.insert_workflow(push).await.expect("pushes back");
    assert_eq!(so_far(&store, &mut hints, "3").await, [Wakeup::Enqueued]);
    let delay = SetDelay::new("delayed", NOW, NOW);
    store.set_delay(delay).await.expect("sets");
    assert_eq!(so_far(&store, &mut hints, "4").await, [Wakeup::Enqueued]);
    let release = ReleaseDelayed::new("app", NOW);
    store.release_delayed(release).await.expect("releases");
    assert_eq!(so_far(&store, &mut hints, "5").await, [Wakeup::Enqueued]);
    configure(&store, |_| {}).await;
    assert_eq!(so_far(&store, &mut hints, "6").await, [Wakeup::Enqueued]);

    // Neither what is there already, nor what is taken.
    let known = enqueueing("w", |_| {});
    store.insert_workflow(known).await.expect("exists");
    let taken = dequeue(&store, Owner::new(incarnation, 1), 10).await;
    assert_eq!(taken.len(), 2);
    assert_eq!(so_far(&store, &mut hints, "7").await, []);

    store.retire_executor(incarnation).await.expect("retires");
    let told = so_far(&store, &mut hints, "8").await;
    assert_eq!(HashSet::from_iter(told), both());
    let cancel = CancelWorkflows::new(vec!["w".to_owned()], NOW);
    store.cancel_workflows(cancel).await.expect("cancels");
    so_far(&store, &mut hints, "9").await;
    let resume = ResumeWorkflows::new(vec!["w".to_owned()], NOW);
    store.resume_workflows(resume).await.expect("resumes");
    let told = so_far(&store, &mut hints, "10").await;
    assert_eq!(HashSet::from_iter(told), both());
}

fn both() -> HashSet<Wakeup> {
    HashSet::from([Wakeup::Claimable, Wakeup::Enqueued])
}
