//! What happens to work when the server or the way to it fails.
mod support;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use durable_api::{
    Timestamp,
    store::{
        ArchiveStore as _, CancelWorkflows, DeleteWorkflows, EventLookup, EventStore as _,
        ExecutorStore as _, ExpelExecutor, FireSchedule, ForkWorkflow, InsertOutcome,
        LifecycleStore as _, ManagementStore as _, MessageStore as _, Owner, ParentCheckpoint,
        PauseSchedule, Payloads, QueueRecord, QueueStore as _, ReceiveMessage, RecordOutcome,
        ReleaseDelayed, ResumeWorkflows, ScheduleRecord, ScheduleStore as _, SetDelay,
        StepStore as _, StoreErrorKind, StreamStore as _, WorkflowStore as _,
    },
};
use store_redis::{RedisOptions, RedisStore};
use support::{Server, run, work};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_a_kill_of_the_server_and_the_handle_works_again() {
    let mut server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;

    let acknowledged = std::sync::Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, acknowledged) = (store.clone(), std::sync::Arc::clone(&acknowledged));
            tokio::spawn(async move {
                for number in 0.. {
                    let id = format!("{writer}-{number}");
                    match store.insert_workflow(work::insertion(&id, owner)).await {
                        Ok(outcome) => assert_eq!(outcome, InsertOutcome::Inserted),
                        Err(error) => return (writer, number, error),
                    }
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                unreachable!("the server is killed first")
            })
        })
        .collect();
    while acknowledged.load(Ordering::Relaxed) < 200 {
        tokio::task::yield_now().await;
    }
    server.kill();

    let mut ends = Vec::new();
    for writer in writers {
        ends.push(writer.await.expect("a writer"));
    }
    server.restart().await;
    for (writer, number, error) in ends {
        assert!(error.kind().is_transient(), "{error}");
        for number in 0..number {
            let id = format!("{writer}-{number}");
            let row = work::persist(async || store.get_workflow(&id, Payloads::Omit).await).await;
            assert!(row.is_some(), "{id} was acknowledged");
        }
        // The one whose answer was lost may be repeated.
        let id = format!("{writer}-{number}");
        let request = work::insertion(&id, owner);
        let outcome = work::persist(async || store.insert_workflow(request.clone()).await).await;
        assert_eq!(outcome, InsertOutcome::Inserted);
    }
}

#[tokio::test]
async fn a_server_that_hangs_leaves_a_write_indeterminate_and_a_read_unavailable() {
    let server = Server::start(&[]).await;
    let options = RedisOptions::from_url(&server.url())
        .expect("parses")
        .connect_timeout(Duration::from_millis(300))
        .response_timeout(Duration::from_millis(300));
    let store = RedisStore::connect_with(options).await.expect("connects");
    store.migrate().await.expect("migrates");
    let owner = work::owner(&store).await;
    work::insert(&store, "one", owner).await;

    server.hang(true);
    let error = store
        .record_step(work::step("one", owner, 0))
        .await
        .expect_err("hangs");
    assert_eq!(error.kind(), StoreErrorKind::Indeterminate, "{error}");
    // This one finds no connection: the one that hung was given up.
    let error = store
        .record_step(work::step("one", owner, 0))
        .await
        .expect_err("hangs");
    assert!(error.kind().is_transient(), "{error}");
    let error = store
        .get_workflow("one", Payloads::Omit)
        .await
        .expect_err("hangs");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    server.hang(false);

    let request = work::step("one", owner, 0);
    let outcome = work::persist(async || store.record_step(request.clone()).await).await;
    match outcome {
        RecordOutcome::Recorded => {}
        RecordOutcome::AlreadyRecorded(step) => assert_eq!(step, request.step),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_a_server_nothing_is_applied_and_the_error_says_so() {
    let mut server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    server.kill();
    // The broken connection is noticed by the first write, at the latest.
    let error = store
        .insert_workflow(work::insertion("one", owner))
        .await
        .expect_err("fails");
    assert!(error.kind().is_transient(), "{error}");
    let error = store
        .insert_workflow(work::insertion("two", owner))
        .await
        .expect_err("fails");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    let error = store.ping().await.expect_err("fails");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_connection_that_was_cut_is_replaced() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    for number in 0..3 {
        let _: u64 = run(
            &server.url(),
            &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
        )
        .await;
        let request = work::insertion(&number.to_string(), owner);
        let outcome = work::persist(async || store.insert_workflow(request.clone()).await).await;
        assert_eq!(outcome, InsertOutcome::Inserted);
    }
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_taught_again() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    let forget = async || run::<()>(&server.url(), &["SCRIPT", "FLUSH"]).await;
    forget().await;
    work::insert(&store, "one", owner).await;
    forget().await;
    store
        .record_step(work::step("one", owner, 0))
        .await
        .expect("records");
    forget().await;
    store.heartbeat(owner.incarnation).await.expect("beats");
    forget().await;
    store
        .retire_executor(owner.incarnation)
        .await
        .expect("retires");
    let heir = Owner::new(work::register(&store).await, 1);
    forget().await;
    let claimed = store
        .claim_workflows(work::claiming(heir))
        .await
        .expect("claims");
    assert_eq!(claimed.claimed.len(), 1);
}

#[tokio::test]
async fn reads_by_script_find_a_server_that_forgot_or_is_away() {
    let mut server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    work::insert(&store, "one", owner).await;
    let () = run(&server.url(), &["SCRIPT", "FLUSH"]).await;
    let event = store.get_event("one", "key").await.expect("reads");
    assert_eq!(event, EventLookup::Absent);
    server.kill();
    let error = store.get_event("one", "key").await.expect_err("fails");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn effects_and_management_that_find_the_memory_full_fail_and_leave_nothing() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    for id in ["one", "two"] {
        work::insert(&store, id, owner).await;
    }
    work::fill(&store, "one", owner).await;
    let cancel = CancelWorkflows::new(vec!["two".to_owned()], work::now());
    store.cancel_workflows(cancel).await.expect("cancels");

    let before = state(&server).await;
    let () = run(&server.url(), &["CONFIG", "SET", "maxmemory", "1"]).await;
    let ids = |id: &str| vec![id.to_owned()];
    let mut message = work::message("two");
    message.sender = Some(work::effect("one", owner, 9));
    let receive = ReceiveMessage::new(work::effect("one", owner, 9), "topic", work::now());
    let event = work::event("one", owner, 9);
    let value = work::value("one", owner, 9);
    let cancel = CancelWorkflows::new(ids("one"), work::now());
    let resume = ResumeWorkflows::new(ids("two"), work::now());
    let fork = ForkWorkflow::new("one", "fork", 9, work::now());
    let errors = [
        store.send_message(message).await.err(),
        store.receive_message(receive).await.err(),
        store.set_event(event).await.err(),
        store.append_stream(value).await.err(),
        store.cancel_workflows(cancel).await.err(),
        store.resume_workflows(resume).await.err(),
        store.fork_workflows(vec![fork]).await.err(),
    ];
    for (number, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("number {number} fails"));
        assert_eq!(error.kind(), StoreErrorKind::Failed, "{error}");
    }
    assert!(state(&server).await == before, "something was written");

    // Deleting makes room.
    let delete = DeleteWorkflows::new(vec!["one".to_owned(), "two".to_owned()]);
    let deleted = store.delete_workflows(delete).await.expect("deletes");
    assert_eq!(deleted.changed.len(), 2);
}

/// Everything on a server.
async fn state(server: &Server) -> Vec<(String, Vec<u8>)> {
    let mut keys: Vec<String> = run(&server.url(), &["KEYS", "*"]).await;
    keys.sort_unstable();
    let mut state = Vec::new();
    for key in keys {
        let dump = run(&server.url(), &["DUMP", &key]).await;
        state.push((key, dump));
    }
    state
}

#[tokio::test]
async fn queues_schedules_and_archives_that_find_the_memory_full_fail_and_leave_nothing() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    for id in ["taken", "cancelled", "waiting"] {
        work::enqueue(&store, id).await;
    }
    let mut late = work::enqueueing("late");
    late.enqueue.as_mut().expect("is queued").delayed_until = Some(work::now());
    store.insert_workflow(late).await.expect("inserts");
    let cancel = CancelWorkflows::new(vec!["cancelled".to_owned()], work::now());
    store.cancel_workflows(cancel).await.expect("cancels");
    let mut dequeue = work::dequeueing(owner);
    dequeue.limit = 1;
    assert_eq!(work::dequeue(&store, dequeue).await, ["taken"]);
    let lost = Owner::new(work::register(&store).await, 1);
    let mut dequeue = work::dequeueing(lost);
    dequeue.limit = 1;
    assert_eq!(work::dequeue(&store, dequeue).await, ["waiting"]);
    work::enqueue(&store, "more").await;
    let expel = ExpelExecutor::new(lost.incarnation, 0);
    store.expel_executor(expel).await.expect("expels");
    let schedule = |name: &str| {
        let (workflow, cron) = (work::NAME, "* * * * *");
        let input = work::payload();
        ScheduleRecord::new(
            work::APP,
            name,
            workflow,
            cron,
            input,
            work::QUEUE,
            work::now(),
        )
    };
    let created = store.create_schedule(schedule("nightly")).await;
    created.expect("creates");
    let known = store.list_schedules(work::APP).await.expect("lists");
    let archive = store.export_workflow("taken").await.expect("exports");
    let mut archive = archive.expect("is there");
    archive.record.id = "copy".to_owned();

    let before = state(&server).await;
    let () = run(&server.url(), &["CONFIG", "SET", "maxmemory", "1"]).await;
    let next = Owner::new(owner.incarnation, 2);
    let mut child = work::enqueueing("child");
    child.parent = Some(ParentCheckpoint::new("taken", owner, 9, "child"));
    let tick = Timestamp::from_millis(work::now().as_millis() + 1);
    let fire = FireSchedule::new(&known[0], tick, Some(work::enqueueing("run")));
    let resume = ResumeWorkflows::new(vec!["cancelled".to_owned()], work::now());
    let release = ReleaseDelayed::new(work::APP, work::now());
    let queue = QueueRecord::new(work::APP, work::QUEUE);
    let pause = PauseSchedule::new(work::APP, "nightly", true);
    let errors = [
        store.insert_workflow(work::enqueueing("new")).await.err(),
        store.insert_workflow(child).await.err(),
        store.dequeue_workflows(work::dequeueing(next)).await.err(),
        store.claim_workflows(work::claiming(next)).await.err(),
        store.retire_executor(owner.incarnation).await.err(),
        store.resume_workflows(resume).await.err(),
        store.release_delayed(release).await.err(),
        store
            .set_delay(SetDelay::new("late", tick, tick))
            .await
            .err(),
        store.put_queue(queue).await.err(),
        store.create_schedule(schedule("other")).await.err(),
        store.apply_schedules(vec![schedule("other")]).await.err(),
        store.pause_schedule(pause).await.err(),
        store.fire_schedule(fire).await.err(),
        store.import_workflow(archive).await.err(),
    ];
    for (number, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("number {number} fails"));
        assert_eq!(error.kind(), StoreErrorKind::Failed, "{number}: {error}");
    }
    assert!(state(&server).await == before, "something was written");
}

#[tokio::test]
async fn a_write_that_finds_the_memory_full_fails_and_leaves_nothing() {
    let server = Server::start(&[]).await;
    let store = work::open(&server.url()).await;
    let owner = work::owner(&store).await;
    let keys: Vec<String> = run(&server.url(), &["KEYS", "*"]).await;
    let () = run(&server.url(), &["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = store
        .insert_workflow(work::insertion("one", owner))
        .await
        .expect_err("fails");
    assert_eq!(error.kind(), StoreErrorKind::Failed, "{error}");
    let left: Vec<String> = run(&server.url(), &["KEYS", "*"]).await;
    assert_eq!(left.len(), keys.len(), "{left:?}");
    let () = run(&server.url(), &["CONFIG", "SET", "maxmemory", "0"]).await;
    work::insert(&store, "one", owner).await;
}

#[tokio::test]
async fn a_replica_is_unavailable_for_writes() {
    let master = Server::start(&[]).await;
    let store = work::open(&master.url()).await;
    let owner = work::owner(&store).await;
    let () = run(&master.url(), &["REPLICAOF", "127.0.0.1", "1"]).await;
    let error = store
        .insert_workflow(work::insertion("one", owner))
        .await
        .expect_err("fails");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    let () = run(&master.url(), &["REPLICAOF", "NO", "ONE"]).await;
    work::insert(&store, "one", owner).await;
}
