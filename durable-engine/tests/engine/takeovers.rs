//! Taking up what nobody runs: one bad row stops nothing else.
use std::{
    any::type_name_of_val,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::support::{
    HandClock, Journal, Log, TAKEOVER_INTERVAL, config, greet, launched, ready, record, unavailable,
};
use durable_api::{
    Encoding, MockSystemStore, Payload, RegisterOptions, Result as Returned, Timestamp,
    WorkflowStatus,
    store::{
        ClaimedWorkflow, ClaimedWorkflows, DamagedWorkflow, DequeuedWorkflows, ExecutorRecord,
        ExpelExecutor, ExpelOutcome, FinishOutcome, FinishWorkflow, HeartbeatOutcome, Incarnation,
        Outcome, Owner, RecordOutcome, RegisterExecutor, RegisterOutcome, StepRecord, StoreError,
        StoreErrorKind,
    },
};
use durable_engine::new_context;
use futures::future::BoxFuture;
use uuid::Uuid;

fn encoded(text: &str) -> Payload {
    Encoding::default().encode(text).unwrap()
}

/// A run of `greet` that was left behind, without checkpoints.
fn left_behind(id: &str) -> ClaimedWorkflow {
    let mut row = record(id, type_name_of_val(&greet), WorkflowStatus::Pending);
    row.input = Some(encoded("Ann"));
    row.recovery_attempts = 1;
    ClaimedWorkflow::new(row, Vec::new())
}

/// A store that hands out `claims`, one at a call and then nothing, with the owners that asked.
fn handing_out(claims: Vec<ClaimedWorkflows>) -> (MockSystemStore, Journal<Owner>) {
    let owners = Journal::new();
    let journal = owners.clone();
    let mut store = MockSystemStore::new();
    store.expect_claim_workflows().returning(move |request| {
        let call = journal.add(request.owner);
        Ok(claims.get(call).cloned().unwrap_or_default())
    });
    (store, owners)
}

/// Adds that everything is recorded; returns the outcomes.
fn finishing(store: &mut MockSystemStore) -> Journal<FinishWorkflow> {
    let outcomes = Journal::new();
    let journal = outcomes.clone();
    store
        .expect_record_step()
        .returning(|_| Ok(RecordOutcome::Recorded));
    store.expect_finish_workflow().returning(move |request| {
        journal.add(request);
        Ok(FinishOutcome::Finished)
    });
    outcomes
}

/// Lets everything run that can, on this one thread, without time passing.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn damaged_rows_do_not_stop_the_others() {
    let log = Log::keep();
    let mut answer = ClaimedWorkflows::new();
    answer.damaged = vec![DamagedWorkflow::new("broken", "status `PURPLE` is unknown")];
    let mut without_input = left_behind("hollow");
    without_input.record.input = None;
    let mut unknown = left_behind("stranger");
    unknown.record.name = "nobody_registered_this".to_owned();
    answer.claimed = vec![without_input, unknown, left_behind("sound")];
    let (mut store, _) = handing_out(vec![answer]);
    let outcomes = finishing(&mut store);
    let _ctx = launched(ready(store), &HandClock::new()).await;
    settle().await;

    let finished: Vec<_> = outcomes
        .entries()
        .into_iter()
        .map(|request| (request.workflow_id, request.outcome))
        .collect();
    let expected = Outcome::Success(encoded("hello Ann"));
    assert_eq!(finished, [("sound".to_owned(), expected)]);
    for (id, reason) in [
        ("broken", "status `PURPLE` is unknown"),
        ("hollow", "without input"),
        ("stranger", "not asked for"),
    ] {
        let lines = log.with(id);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("ERROR cannot be r"), "{lines:?}");
        assert!(lines[0].contains(reason), "{lines:?}");
    }
}

#[tokio::test]
async fn an_input_that_does_not_decode_stops_that_workflow_alone_and_stays_recoverable() {
    let log = Log::keep();
    let mut odd = left_behind("odd");
    odd.record.input = Some(Payload::new("cbor", vec![1]));
    let mut answer = ClaimedWorkflows::new();
    answer.claimed = vec![odd, left_behind("sound")];
    let (mut store, _) = handing_out(vec![answer]);
    let outcomes = finishing(&mut store);
    let _ctx = launched(ready(store), &HandClock::new()).await;
    settle().await;

    let finished: Vec<_> = outcomes.entries();
    assert_eq!(finished.len(), 1, "{finished:?}");
    assert_eq!(finished[0].workflow_id, "sound");
    let lines = log.with("the input of workflow `odd`");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("stays recoverable"), "{lines:?}");
    assert!(lines[0].contains("`cbor` is not known"), "{lines:?}");
}

#[tokio::test]
async fn a_recovered_workflow_receives_what_is_recorded() {
    let mut workflow = left_behind("half-done");
    let recorded = Outcome::Success(encoded("hello from before"));
    let now = Timestamp::from_millis(1);
    workflow.history = vec![StepRecord::completed(0, "compose", recorded, now, now)];
    let mut answer = ClaimedWorkflows::new();
    answer.claimed = vec![workflow];
    let (mut store, owners) = handing_out(vec![answer]);
    // Nothing expects a checkpoint.
    let outcomes = Journal::new();
    let journal = outcomes.clone();
    store.expect_finish_workflow().returning(move |request| {
        journal.add((request.owner, request.outcome));
        Ok(FinishOutcome::Finished)
    });
    let _ctx = launched(ready(store), &HandClock::new()).await;
    settle().await;

    let expected = Outcome::Success(encoded("hello from before"));
    assert_eq!(outcomes.entries(), [(owners.entries()[0], expected)]);
}

#[tokio::test]
async fn while_there_is_more_it_is_asked_for_at_once_under_a_fresh_owner() {
    let mut first = ClaimedWorkflows::new();
    first.claimed = vec![left_behind("first")];
    first.more = true;
    let mut second = ClaimedWorkflows::new();
    second.claimed = vec![left_behind("second")];
    let (mut store, owners) = handing_out(vec![first, second]);
    let outcomes = finishing(&mut store);
    let _ctx = launched(ready(store), &HandClock::new()).await;
    settle().await;

    let owners = owners.entries();
    assert_eq!(owners.len(), 2);
    assert_ne!(owners[0], owners[1]);
    let mut finished: Vec<_> = outcomes
        .entries()
        .into_iter()
        .map(|request| (request.workflow_id, request.owner))
        .collect();
    finished.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("first".to_owned(), owners[0]),
        ("second".to_owned(), owners[1]),
    ];
    assert_eq!(finished, expected);
}

#[tokio::test]
async fn a_dead_letter_is_logged_and_not_run() {
    let log = Log::keep();
    let mut answer = ClaimedWorkflows::new();
    answer.dead_lettered = vec!["tired".to_owned()];
    let (mut store, _) = handing_out(vec![answer]);
    let outcomes = finishing(&mut store);
    let _ctx = launched(ready(store), &HandClock::new()).await;
    settle().await;

    assert_eq!(outcomes.entries(), []);
    let lines = log.with("tired");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("too many recovery attempts"), "{lines:?}");
}

/// A launched context whose heartbeats are answered by `answer`, after one interval; how often it beat, and claimed.
async fn after_one_interval(
    answer: impl Fn() -> Result<HeartbeatOutcome, StoreError> + Send + 'static,
) -> (
    Arc<HandClock>,
    durable_api::Ctx,
    Journal<()>,
    Journal<Owner>,
) {
    let beats = Journal::new();
    let journal = beats.clone();
    let (mut store, owners) = handing_out(Vec::new());
    store.expect_heartbeat().returning(move |_| {
        journal.add(());
        answer()
    });
    let clock = HandClock::new();
    let ctx = launched(ready(store), &clock).await;
    clock.asleep(TAKEOVER_INTERVAL).await;
    assert_eq!((beats.entries().len(), owners.entries().len()), (0, 1));
    clock.advance(TAKEOVER_INTERVAL);
    settle().await;
    (clock, ctx, beats, owners)
}

#[tokio::test]
async fn at_every_interval_the_executor_beats_and_looks_for_work() {
    let (clock, _ctx, beats, owners) = after_one_interval(|| Ok(HeartbeatOutcome::Alive)).await;
    assert_eq!((beats.entries().len(), owners.entries().len()), (1, 2));
    clock.advance(TAKEOVER_INTERVAL);
    settle().await;
    assert_eq!((beats.entries().len(), owners.entries().len()), (2, 3));
}

#[tokio::test]
async fn a_superseded_executor_says_so_and_looks_for_no_more_work() {
    let log = Log::keep();
    let (mut store, owners) = handing_out(Vec::new());
    let beats = Journal::new();
    let journal = beats.clone();
    store.expect_heartbeat().returning(move |_| {
        journal.add(());
        Ok(HeartbeatOutcome::Unknown)
    });
    store
        .expect_list_executors()
        .returning(|app| Ok(vec![executor(app, "executor", 7, 0)]));
    let clock = HandClock::new();
    let _ctx = launched(ready(store), &clock).await;
    for _ in 0..3 {
        clock.advance(TAKEOVER_INTERVAL);
        settle().await;
    }
    assert_eq!(beats.entries().len(), 1);
    assert!(owners.entries().len() <= 2, "at most what was under way");
    assert_eq!(
        log.with("ERROR this executor takes up no more work").len(),
        1
    );
}

#[tokio::test]
async fn while_the_store_is_away_the_executor_beats_at_every_interval() {
    let fails = || Err(unavailable("heartbeat"));
    let (clock, _ctx, beats, _) = after_one_interval(fails).await;
    assert_eq!(beats.entries().len(), 1);
    clock.advance(TAKEOVER_INTERVAL);
    settle().await;
    assert_eq!(beats.entries().len(), 2);
    assert_eq!(clock.short_sleeps(), [], "nothing between two intervals");
}

#[tokio::test]
async fn what_is_taken_from_a_queue_after_an_outage_starts_when_it_is_taken() {
    let (mut store, _) = handing_out(Vec::new());
    let requests = Journal::new();
    let journal = requests.clone();
    store.expect_dequeue_workflows().returning(move |request| {
        match journal.add((request.owner, request.now)) {
            0 => Err(unavailable("dequeue_workflows")),
            _ => Ok(DequeuedWorkflows::default()),
        }
    });
    let settled = Journal::new();
    let journal = settled.clone();
    store.expect_settle().returning(move |owner| {
        journal.add(owner);
        Ok(())
    });
    let clock = HandClock::new();
    let _ctx = launched(ready(store), &clock).await;
    settle().await;
    clock.advance(Duration::from_secs(10));
    settle().await;

    let requests = requests.entries();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert_eq!(requests[0].0, requests[1].0, "it is the same request");
    assert_eq!(settled.entries(), [requests[0].0], "before it is repeated");
    assert!(
        requests[2].0.execution > requests[1].0.execution,
        "the repetition did not ask for all there is: {requests:?}"
    );
    let away = requests[1].1.saturating_duration_since(requests[0].1);
    assert_eq!(away, Duration::from_secs(10));
}

#[tokio::test]
async fn a_heartbeat_that_fails_is_repeated_at_the_next_interval() {
    let log = Log::keep();
    let fails = || Err(StoreError::new(StoreErrorKind::Corrupt, "heartbeat"));
    let (clock, _ctx, beats, owners) = after_one_interval(fails).await;
    assert_eq!(beats.entries().len(), 1);
    clock.advance(TAKEOVER_INTERVAL);
    settle().await;
    assert_eq!(beats.entries().len(), 2);
    assert_eq!(owners.entries().len(), 3, "work is looked for all the same");
    assert_eq!(log.with("ERROR heartbeat failed").len(), 2);
}

/// An executor of another life, with the beat that it has come to.
fn executor(app: &str, id: &str, life: u128, beat: u64) -> ExecutorRecord {
    let life = Incarnation(Uuid::from_u128(life));
    let request = RegisterExecutor::new(app, id, life, "1", Timestamp::from_millis(1));
    let mut record = ExecutorRecord::registered(request);
    record.beat = beat;
    record
}

/// Launches over a store on which one other executor is registered, whose beat at each look is what `beat` says, and looks so many times; whom it expelled.
async fn expelled_after(
    looks: usize,
    beat: impl Fn(u64) -> u64 + Send + 'static,
) -> Vec<ExpelExecutor> {
    let (mut store, _) = handing_out(Vec::new());
    let look = AtomicU64::new(0);
    store.expect_list_executors().returning(move |app| {
        let look = look.fetch_add(1, Ordering::Relaxed);
        Ok(vec![executor(app, "other", 7, beat(look))])
    });
    let expelled = Journal::new();
    let journal = expelled.clone();
    store.expect_expel_executor().returning(move |request| {
        journal.add(request);
        Ok(ExpelOutcome::Expelled)
    });
    let clock = HandClock::new();
    let _ctx = launched(ready(store), &clock).await;
    settle().await;
    for _ in 0..looks {
        clock.advance(TAKEOVER_INTERVAL);
        settle().await;
    }
    expelled.entries()
}

#[tokio::test]
async fn an_executor_whose_heart_has_stopped_is_expelled_when_its_lease_is_over() {
    assert!(expelled_after(3, |_| 5).await.is_empty(), "too early");
    let expelled = expelled_after(4, |_| 5).await;
    let other = Incarnation(Uuid::from_u128(7));
    assert_eq!(expelled, [ExpelExecutor::new(other, 5)]);
}

#[tokio::test]
async fn an_executor_that_beats_now_and_then_is_not_expelled() {
    assert!(expelled_after(20, |look| look / 3).await.is_empty());
}

#[tokio::test]
async fn an_executor_that_was_taken_for_dead_stops_what_it_ran_and_joins_again() {
    let (mut store, owners) = handing_out(Vec::new());
    let registered = Journal::new();
    let journal = registered.clone();
    store.expect_register_executor().returning(move |request| {
        journal.add(request.incarnation);
        Ok(RegisterOutcome::default())
    });
    let lives = registered.clone();
    store.expect_heartbeat().returning(move |incarnation| {
        // The first life is over.
        Ok(match lives.entries().first() {
            Some(first) if *first == incarnation => HeartbeatOutcome::Unknown,
            _ => HeartbeatOutcome::Alive,
        })
    });
    store
        .expect_get_workflow()
        .returning(|id, _| Ok(Some(record(id, "greet", WorkflowStatus::Pending))));
    let clock = HandClock::new();
    let ctx = new_context(config(ready(store), &clock)).await.unwrap();
    let named = RegisterOptions::new().named("asleep");
    let asleep = |ctx: durable_api::Ctx, (): ()| -> BoxFuture<'static, Returned<()>> {
        Box::pin(async move {
            ctx.cancelled().await;
            Ok(())
        })
    };
    durable_api::register_workflow_with(&ctx, asleep, named).unwrap();
    durable_api::launch(&ctx).await.unwrap();
    let handle = durable_api::run_workflow(&ctx, asleep, ())
        .name("asleep")
        .await
        .unwrap();
    for _ in 0..2 {
        clock.advance(TAKEOVER_INTERVAL);
        settle().await;
    }
    let lives = registered.entries();
    assert_eq!(lives.len(), 2);
    assert_ne!(lives[0], lives[1]);
    assert_eq!(owners.entries().last().unwrap().incarnation, lives[1]);
    // The copy that ran here has stopped: its handle asks the store from now on.
    let status = handle.get_status().await.unwrap();
    assert_eq!(status.status, WorkflowStatus::Pending);
    let report = durable_api::shutdown(&ctx, Duration::ZERO).await.unwrap();
    assert_eq!(report.unfinished, Vec::<String>::new());
}
