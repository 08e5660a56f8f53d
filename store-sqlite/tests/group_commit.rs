//! Writes of concurrent callers share commits, and nothing else.
mod common;

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use common::{File, executor, insert, ready, step, step_of, workflow};
use durable_api::store::{
    ExecutorStore as _, HeartbeatOutcome, InsertOutcome, Owner, Payloads, RecordOutcome,
    StepStore as _, StoreErrorKind, WorkflowStore as _,
};
use futures::future::{join, join_all, join3};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

// On a runtime of one thread no write begins before every caller has asked for its own.
#[tokio::test]
async fn writes_that_wait_together_share_one_commit() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;
    let before = store.commit_statistics();

    let recorded = join_all((0..100).map(|n| store.record_step(step("w", owner, n)))).await;

    let after = store.commit_statistics();
    assert!(
        recorded
            .iter()
            .all(|outcome| matches!(outcome, Ok(RecordOutcome::Recorded)))
    );
    assert_eq!(after.writes - before.writes, 100);
    assert_eq!(after.commits - before.commits, 1);
    assert_eq!(store.list_steps("w").await.expect("lists").len(), 100);
}

#[tokio::test]
async fn writes_of_all_kinds_share_a_commit_and_each_gets_its_own_answer() {
    let file = File::new();
    let store = file.open().await;
    let incarnation = executor(&store).await;
    let owner = Owner::new(incarnation, 1);
    insert(&store, "w", owner).await;
    let stranger = Owner::new(incarnation, 2);
    let before = store.commit_statistics();

    let ((inserted, again), (first, second, refused), beat) = join3(
        join(
            store.insert_workflow(workflow("v", owner)),
            store.insert_workflow(workflow("w", stranger)),
        ),
        join3(
            store.record_step(step_of("w", owner, 0, b"first".to_vec())),
            store.record_step(step_of("w", owner, 0, b"second".to_vec())),
            store.record_step(step("w", stranger, 1)),
        ),
        store.heartbeat(incarnation),
    )
    .await;

    assert_eq!(store.commit_statistics().commits - before.commits, 1);
    assert_eq!(inserted.expect("inserts"), InsertOutcome::Inserted);
    assert!(matches!(again.expect("answers"), InsertOutcome::Existing(row) if row.id == "w"));
    assert_eq!(first.expect("records"), RecordOutcome::Recorded);
    let wins = step_of("w", owner, 0, b"first".to_vec()).step;
    assert_eq!(
        second.expect("answers"),
        RecordOutcome::AlreadyRecorded(wins)
    );
    assert_eq!(refused.expect("answers"), RecordOutcome::NotOwner);
    assert_eq!(beat.expect("beats"), HeartbeatOutcome::Alive);
}

#[tokio::test]
async fn more_writes_than_one_commit_carries_are_all_done() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;
    let before = store.commit_statistics();

    let recorded = join_all((0..1000).map(|n| store.record_step(step("w", owner, n)))).await;

    assert!(recorded.iter().all(Result::is_ok));
    assert_eq!(store.list_steps("w").await.expect("lists").len(), 1000);
    let commits = store.commit_statistics().commits - before.commits;
    assert!((2..=10).contains(&commits), "{commits} commits");
}

#[tokio::test]
async fn a_write_for_which_there_is_no_room_fails_alone_and_the_store_goes_on() {
    let file = File::new();
    let store = ready(file.options().max_pages(80)).await;
    let incarnation = executor(&store).await;
    let owner = Owner::new(incarnation, 1);
    insert(&store, "w", owner).await;

    let (small, large, beat) = join3(
        store.record_step(step("w", owner, 0)),
        store.record_step(step_of("w", owner, 1, vec![7; 1 << 20])),
        store.heartbeat(incarnation),
    )
    .await;

    assert_eq!(small.expect("records"), RecordOutcome::Recorded);
    assert_eq!(beat.expect("beats"), HeartbeatOutcome::Alive);
    let error = large.expect_err("there is no room");
    assert_eq!(error.kind(), StoreErrorKind::Failed, "{error}");
    assert!(error.to_string().contains("store.db"), "{error}");
    let next = store.record_step(step("w", owner, 1)).await;
    assert_eq!(next.expect("records"), RecordOutcome::Recorded);
    assert_eq!(store.list_steps("w").await.expect("lists").len(), 2);
}

#[tokio::test]
async fn a_write_that_meets_a_damaged_row_fails_alone() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "broken", owner).await;
    file.execute("UPDATE workflows SET status = 'NONSENSE' WHERE id = 'broken'")
        .await;

    let (damaged, sound) = join(
        store.insert_workflow(workflow("broken", owner)),
        store.insert_workflow(workflow("sound", owner)),
    )
    .await;

    let error = damaged.expect_err("the row is damaged");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("broken"), "{error}");
    assert_eq!(sound.expect("inserts"), InsertOutcome::Inserted);
}

#[tokio::test]
async fn a_caller_dropped_before_its_write_began_leaves_nothing_and_disturbs_nobody() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    let mut dropped = Box::pin(store.insert_workflow(workflow("dropped", owner)));
    assert!(futures::poll!(&mut dropped).is_pending());
    let mut stays = pin!(store.insert_workflow(workflow("stays", owner)));
    assert!(futures::poll!(&mut stays).is_pending());

    drop(dropped);

    assert_eq!(stays.await.expect("inserts"), InsertOutcome::Inserted);
    let found = store.get_workflow("dropped", Payloads::Omit).await;
    assert_eq!(found.expect("reads"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_dropped_at_any_moment_lose_nothing_of_others() {
    let file = File::new();
    let store = file.open().await;
    let owner = Owner::new(executor(&store).await, 1);
    insert(&store, "w", owner).await;

    let writers: Vec<_> = (0..400)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.record_step(step("w", owner, n)).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for (n, writer) in writers.into_iter().enumerate() {
        if n % 2 == 1 {
            writer.abort();
        }
        outcomes.push(writer.await);
    }

    let mut recorded: Vec<u32> = Vec::new();
    for (n, outcome) in (0..).zip(outcomes) {
        match outcome {
            Ok(outcome) => {
                assert_eq!(outcome.expect("records"), RecordOutcome::Recorded);
                recorded.push(n);
            }
            Err(aborted) => assert!(aborted.is_cancelled() && n % 2 == 1),
        }
    }
    let steps = store.list_steps("w").await.expect("lists");
    let found: Vec<u32> = steps.iter().map(|step| step.step_id).collect();
    assert!(recorded.iter().all(|n| found.contains(n)));
    assert!(recorded.len() >= 200);
}

#[test]
fn another_runtime_takes_over_when_the_one_that_wrote_is_gone() {
    let file = File::new();
    let first = runtime();
    let (store, owner) = first.block_on(async {
        let store = file.open().await;
        let owner = Owner::new(executor(&store).await, 1);
        (store, owner)
    });
    let mut waiting = Box::pin(store.insert_workflow(workflow("waiting", owner)));
    first.block_on(async {
        assert!(futures::poll!(&mut waiting).is_pending());
    });

    // The write waits, and so does the task that was to commit it.
    drop(first);

    runtime().block_on(async {
        let error = waiting.await.expect_err("nobody is there to commit it");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        insert(&store, "waiting", owner).await;
        insert(&store, "next", owner).await;
    });
}

#[test]
fn a_runtime_that_stands_still_holds_nobody_up() {
    let file = File::new();
    let (still, other) = (runtime(), runtime());
    let (store, owner) = still.block_on(async {
        let store = file.open().await;
        let owner = Owner::new(executor(&store).await, 1);
        (store, owner)
    });
    for n in 0..50 {
        still.block_on(insert(&store, &format!("still-{n}"), owner));
        other.block_on(async {
            let id = format!("other-{n}");
            let write = insert(&store, &id, owner);
            tokio::time::timeout(Duration::from_secs(20), write)
                .await
                .expect("the other runtime does not wait for the one that stands still");
        });
    }
}

#[test]
fn a_write_outside_a_runtime_is_an_error_that_says_so() {
    let file = File::new();
    let (store, owner) = runtime().block_on(async {
        let store = file.open().await;
        let owner = Owner::new(executor(&store).await, 1);
        (store, owner)
    });
    let mut write = pin!(store.insert_workflow(workflow("w", owner)));
    match write.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => assert!(error.to_string().contains("tokio"), "{error}"),
        other => panic!("{other:?}"),
    }
}
